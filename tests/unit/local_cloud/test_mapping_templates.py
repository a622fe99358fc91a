import pytest

from local_cloud.repairs.mapping_templates import TemplateError, render


@pytest.mark.parametrize(
    ("template", "body", "said"),
    [
        ("plain", "{}", ("plain", None)),
        ("$input.body", "text", ("text", None)),
        ("$input.json('$.a')", '{"a": {"b": 1}}', ('{"b": 1}', None)),
        ("$input.path('$.a.b')", '{"a": {"b": "x"}}', ("x", None)),
        ("[$input.path('$.gone')]", "{}", ("[]", None)),
        ("[$input.path('$.a')]", "no JSON", ("[]", None)),
        ("#set($a = 'x')\n$a$b", "{}", ("x$b", None)),
        ("#if(1 == 2)a#elseif(2 == 2)b#else c#end", "{}", ("b", None)),
        ("#if(1 == 1)#if(1 == 2)a#else b#end#else c#end!", "{}", ("b!", None)),
        ("#if(1 == 2)#if(1 == 1)a#end#else c#end", "{}", ("c", None)),
        ("#if(1 == 2 || 3 >= 3 && 'a' != 'b')y#end", "{}", ("y", None)),
        ("#if($input.path('$.gone') > 3)y#else n#end", "{}", ("n", None)),
        ("#set($context.responseOverride.status = 418)\nshort and stout", "{}", ("short and stout", 418)),
        ("#if(1 == 2)#set($context.responseOverride.status = 418)#end", "{}", ("", None)),
    ],
)
def test_a_template_makes_a_text_and_perhaps_a_status(template, body, said):
    assert render(template, body) == said


@pytest.mark.parametrize(
    "template", ["#if(1 == 1)", "#end", "#if", "#set(1)", "#if($input.foo())y#end", "#else x"]
)
def test_a_template_that_is_wrong_is_refused(template):
    with pytest.raises(TemplateError):
        render(template, "{}")
