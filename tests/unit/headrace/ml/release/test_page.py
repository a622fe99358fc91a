import numpy as np
import pytest

from headrace.ml.profile import profile_frame
from headrace.ml.release.agreement_page import draw_agreement
from headrace.ml.release.page import headline_of, render_release
from headrace.ml.release.shadow import Agreement
from headrace.ml.release.shift import answers_of, profile_answers

RNG = np.random.default_rng(0)
BINS = answers_of(profile_frame({}, [], predictions=RNG.normal(10, 2, 1000)))
MODEL = {
    "variant": "v3",
    "requests": 1200,
    "rows": 2400,
    "unreadable": 0,
    "left_out": 0,
    "latency_p99_us": 12_000.0,
}
LOOK = {
    "judged_at": "2026-01-31T11:00:00Z",
    "share": 0.5,
    "decision": "hold",
    "rows": [100, 90],
    "shift": 0.1,
    "low": -0.2,
    "high": 0.1,
}
REPORT = {
    "pipeline": "bike",
    "strategy": "ab",
    "variant": "v4",
    "against": "v3",
    "judged_at": "2026-01-31T11:10:00Z",
    "decision": "hold",
    "why": "no difference that is sure yet",
    "next_share": None,
    "share": 0.5,
    "since": "2026-01-31T10:00:00+00:00",
    "deadline": "2026-02-14T10:00:00+00:00",
    "alarms": [{"name": "headrace-bike-release-errors", "state": "OK", "reason": "<b>1 > 0</b>"}],
    "models": {"champion": MODEL, "challenger": {**MODEL, "variant": "v4"}},
    "counted": {"from": "2026-01-31T10:58:00+00:00", "to": "2026-01-31T11:08:00+00:00"},
    "shift": {"verdict": "no shift", "size": 0.1, "limit": 1.0, "rows": [1200, 1100]},
    "comparison": {
        "by": "labels",
        "what": "absolute_error",
        "error": 0.05,
        "verdict": "open",
        "champion": 4.25,
        "challenger": 4.125,
        "low": -0.2,
        "high": 0.1,
        "requests": [600, 590],
    },
    "agreement": None,
    "history": [LOOK, LOOK],
}


def page(**changes):
    answers = profile_answers(BINS, RNG.normal(10, 2, 500), [])
    return render_release({**REPORT, **changes}, answers, answers)


@pytest.mark.parametrize(
    ("decision", "headline"),
    [("hold", "v4 goes on"), ("promote", "v4 takes over"), ("withdraw", "v3 stays, v4 is withdrawn")],
)
def test_the_headline_says_what_was_decided(decision, headline):
    assert headline_of({**REPORT, "decision": decision}) == headline
    assert f"<h1>{headline}</h1>" in page(decision=decision)


def test_the_page_says_why_and_how_sure():
    found = page()

    assert "no difference that is sure yet." in found
    assert "v3: 4.25, v4: 4.12; from 600 and 590 requests." in found
    assert "between -0.2 and 0.1, 95 % sure at all looks together" in found
    assert "12 ms" in found


def test_the_page_loads_nothing_and_escapes_what_it_shows():
    found = page()

    assert found.count("http") == 0
    assert "<script" not in found
    assert "<b>1 &gt; 0" not in found
    assert "&lt;b&gt;1 &gt; 0&lt;/b&gt;" in found


def test_what_was_counted_lately_has_a_time_that_says_why_there_may_be_nothing():
    assert "not counted" in page()
    assert "counted from 2026-01-31 10:58 to 2026-01-31 11:08 (UTC)" in page()


def test_what_is_drawn_over_time_is_told_in_looks():
    assert "in standard deviations, 2 looks, last 0.1<" in page()
    assert "in standard deviations, 1 look, last 0.1<" in page(history=[LOOK])


def test_without_anything_known_there_is_still_a_page():
    nothing = {**REPORT["comparison"], "champion": None, "challenger": None, "low": None, "high": None}
    shift = {"verdict": "not enough data", "size": 0.0, "limit": None, "rows": [5, 0]}

    found = render_release(
        {**REPORT, "comparison": nothing, "shift": shift, "history": [], "alarms": []}, None, None
    )

    assert "Too little is known yet" in found
    assert "Not enough data: 5 and 0 rows." in found


def test_a_canary_says_which_share_comes_next_and_compares_nothing():
    found = page(strategy="canary", comparison=None, share=0.1, next_share=1.0)

    assert "share from now on" in found
    assert "Measured" not in found


def test_what_a_shadow_answered_otherwise_is_drawn():
    old, new = np.array([0.2, 0.2, 0.7]), np.array([0.2, 0.9, 0.7])
    agreement = Agreement().add((["no", "no", "yes"], old), (["no", "yes", "yes"], new), numbers=False)
    told = {
        **agreement.as_dict(),
        "share": agreement.share,
        "low": 0.1,
        "high": 0.9,
        "mean_difference": 0.2333,
    }

    found = draw_agreement(told, "v3", "v4")

    assert "67 % of 3 rows got the same answer" in found
    assert "no → yes" in found
    assert draw_agreement(Agreement().as_dict(), "v3", "v4") is None
