"""Login, logout, passwords, and the one-time link on a slip."""

from __future__ import annotations

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from submissions.models import User
from tests.cast import PASSWORD

pytestmark = pytest.mark.slow

NEW = "a new horse, just as good"


def log_in(client, username: str, password: str = PASSWORD, query: str = ""):
    return client.post(f"/login/{query}", {"username": username, "password": password})


def one_time_link(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("welcome", args=[uid, default_token_generator.make_token(user)])


@pytest.fixture
def newcomer(group, db) -> User:
    return User.objects.create_user(username="newcomer", first_name="Niels", last_name="Bohr")


def test_logging_in_shows_the_user_and_the_group(client, owner, quest):
    response = log_in(client, "owner")

    assert response.status_code == 302
    page = client.get("/").text
    assert ">owner</a>" in page
    assert 'class="team"' in page
    assert "ITMALGrp01" in page


def test_logging_in_returns_to_the_previous_page(client, owner, quest):
    assert log_in(client, "owner", query="?next=/feed/").url == "/feed/"


def test_logging_in_never_redirects_to_another_site(client, owner, quest):
    assert log_in(client, "owner", query="?next=https://evil.example/").url == "/"


def test_a_wrong_password_is_reported_with_the_form(client, owner):
    response = log_in(client, "owner", "wrong")

    assert response.status_code == 200
    assert "correct username and password" in response.text


def test_ten_wrong_passwords_lock_out_this_user_at_this_address_and_nobody_else(client, owner, stranger):
    for _ in range(10):
        response = log_in(client, "owner", "wrong")

    assert response.status_code == 429
    assert "Too many attempts" in response.text
    assert log_in(client, "owner").status_code == 429
    assert log_in(client, "stranger").status_code == 302


def test_logging_out_requires_a_post(owner_client, quest):
    assert owner_client.get("/logout/").status_code == 405
    owner_client.post("/logout/")
    assert "Log in" in owner_client.get("/").text


def test_a_password_is_changed(owner_client, client, owner, quest):
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    response = owner_client.post("/password/", form, follow=True)

    assert "Your password has been changed." in response.text
    assert log_in(client, "owner", NEW).status_code == 302


def test_a_weak_password_is_refused(owner_client, owner):
    form = {"old_password": PASSWORD, "new_password1": "12345678", "new_password2": "12345678"}

    response = owner_client.post("/password/", form)

    assert "too common" in response.text
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_changing_a_password_needs_a_login(client, db):
    assert client.get("/password/").url == "/login/?next=/password/"


def test_a_one_time_link_sets_a_password_and_logs_in(client, newcomer, quest):
    page = client.get(one_time_link(newcomer), follow=True)
    assert "Welcome, Niels Bohr" in page.text
    assert "newcomer" in page.text

    response = client.post(page.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW}, follow=True)

    assert response.context["user"] == newcomer
    assert "Your password is set" in response.text


def test_a_one_time_link_works_once(client, newcomer):
    link = one_time_link(newcomer)
    page = client.get(link, follow=True)
    client.post(page.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    client.logout()

    again = client.get(link)

    assert "has been used or has expired" in again.text


@pytest.mark.parametrize("link", ["/welcome/MQ/set-password/", "/welcome/!!/x-y/", "/welcome/OTk5OQ/aaa-bbb/"])
def test_an_invalid_link_sets_no_password(client, db, link):
    response = client.get(link)

    assert response.status_code in (200, 404)
    assert "new_password1" not in response.text


def test_the_navigation_matches_the_role(client, owner_client, instructor_client, quest):
    assert 'href="/submit/"' not in client.get("/feed/").text.partition("<main")[0]
    assert "/desk/" not in client.get("/").text
    assert 'href="/submissions/"' in owner_client.get("/").text
    assert "/desk/" not in owner_client.get("/").text
    assert 'href="/desk/"' in instructor_client.get("/").text
