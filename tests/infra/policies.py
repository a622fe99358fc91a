"""What roles are allowed, in a template of a stack alone or of a whole application."""


def policies_of(template):
    """Return all policies, by logical id: the application turns inline ones into managed ones."""
    return {
        **template.find_resources("AWS::IAM::Policy"),
        **template.find_resources("AWS::IAM::ManagedPolicy"),
    }
