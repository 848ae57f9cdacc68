"""What a reader likes best is what it gets; a header that says nothing useful gets the first that is offered."""

import pytest

from shared.web.accept import preferred

FORMS, LANGUAGES = ("application/json", "text/html"), ("en", "zh")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, "application/json"), ("*/*", "application/json"), ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/*;q=0.9, application/json;q=0.1", "text/html"),
        ("image/png", "application/json"), (";;q=,=\x00,text/html;q=nan", "application/json"),
        ("TEXT/HTML; charset=utf-8", "text/html"),
    ],
)  # fmt: skip
def test_form_is_the_one_that_is_liked_best(header: str | None, wanted: str) -> None:
    assert preferred(header, FORMS) == wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [(None, "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB", "en"), ("fr", "en"), ("fr, zh;q=0.1", "zh"),
     ("en;q=0.1, zh-TW", "zh")],
)  # fmt: skip
def test_language_is_the_one_that_is_liked_best(header: str | None, wanted: str) -> None:
    assert preferred(header, LANGUAGES) == wanted
