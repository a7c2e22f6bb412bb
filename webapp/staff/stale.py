"""What is said where a form's token no longer counts, because somebody has logged in or out since it was opened."""

from flask import Blueprint, render_template, request, url_for
from flask_wtf.csrf import CSRFError


def answer_stale(area: Blueprint) -> None:
    """Have the forms of ``area`` say so in words of their own instead of showing the applicants' form."""
    area.register_error_handler(CSRFError, _stale)


def _stale(_error: CSRFError) -> tuple[str, int]:
    methods = request.url_rule.methods if request.url_rule else None
    back = request.root_path + request.path if methods and "GET" in methods else url_for("people.account")
    return render_template("staff/stale.html", back=back), 400
