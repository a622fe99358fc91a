import asyncio

from ministack.services.cloudformation import handlers

from local_cloud.adapters import stack_answers


def test_who_asks_for_a_stack_that_takes_long_is_answered_all_the_same(monkeypatch):
    monkeypatch.setattr(handlers, "_resolve_stack", lambda name: {"StackStatus": "CREATE_IN_PROGRESS"})
    monkeypatch.setattr(stack_answers, "_LONGEST_S", 0.01)

    async def answer(*request):
        return "in progress"

    asked = stack_answers._patient(answer)("POST", "/", {}, b"Action=DescribeStacks&StackName=slow", {})

    assert asyncio.run(asyncio.wait_for(asked, 10)) == "in progress"
