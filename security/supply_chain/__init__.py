"""What the project is made of: secrets among its files, and known vulnerabilities of what it depends on."""
