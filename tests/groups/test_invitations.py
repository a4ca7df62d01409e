"""Joining a group by a one-time link or code."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions.groups.invitations import MAX_OPEN, InvitationRefused, find, invite, join, read_code
from submissions.models import Course, Group, Invitation, Membership, User
from tests.cast import PASSWORD, client_of, person

pytestmark = pytest.mark.slow

ACCOUNT = {
    "name": "Ada King Lovelace",
    "username": "ada",
    "student_number": "20260001",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture
def code(group, owner) -> str:
    return invite(group, user=owner)


def text_of(response) -> str:
    return response.content.decode()


def test_an_invitations_link_is_shown_once_and_only_its_hash_is_stored(owner_client, group):
    page = text_of(owner_client.post(f"/groups/{group.pk}/invitations/"))

    codes = re.findall(r"http://testserver/join/([2-9A-Z-]{19})/", page)
    shown = codes[0]
    assert page.count(shown) == 2
    assert shown not in text_of(owner_client.get("/groups/ITMALGrp01/"))
    stored = Invitation.objects.get()
    assert stored.digest == hashlib.sha256(shown.replace("-", "").encode()).hexdigest()
    assert timedelta(days=13) < stored.expires_at - timezone.now() <= timedelta(days=14)


def test_instructors_invite_into_any_group_and_students_only_into_their_own(
    instructor_client, stranger_client, client, group
):
    assert instructor_client.post(f"/groups/{group.pk}/invitations/").status_code == 200
    assert stranger_client.post(f"/groups/{group.pk}/invitations/").status_code == 404
    assert client.post(f"/groups/{group.pk}/invitations/").status_code == 302
    assert Invitation.objects.count() == 1


def test_a_student_without_an_account_creates_one_and_joins(client, code, group):
    assert "Create account and join" in text_of(client.get(f"/join/{code}/"))

    response = client.post(f"/join/{code}/", ACCOUNT, follow=True)

    ada = User.objects.get(username="ada")
    assert (ada.first_name, ada.last_name, ada.student_number) == ("Ada King", "Lovelace", "20260001")
    assert ada.group_in(group.course) == group
    assert "Welcome to ITMALGrp01." in text_of(response)
    assert response.context["user"] == ada
    assert Invitation.objects.get().used_by == ada


def test_an_invalid_account_is_explained_and_the_invitation_stays_open(client, code):
    for changed, words in (
        ({"username": "OWNER"}, "already exists"),
        ({"username": "no spaces"}, "valid username"),
        ({"password2": "another one"}, "match"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"name": ""}, "required"),
    ):
        assert words in text_of(client.post(f"/join/{code}/", ACCOUNT | changed))
    assert Invitation.objects.get().is_open
    assert User.objects.count() == 1


def test_a_student_with_an_account_logs_in_and_joins(client, code, group):
    person("bo")
    logins = re.findall(r'href="(/login/\?next=[^"]+)"', text_of(client.get(f"/join/{code}/")))
    page = client.post(logins[0], {"username": "bo", "password": PASSWORD}, follow=True)

    assert page.redirect_chain[-1][0] == f"/join/{code}/"
    client.post(f"/join/{code}/")

    assert User.objects.get(username="bo").group_in(group.course) == group


def test_an_invitation_works_once(code):
    client_of(person("bo")).post(f"/join/{code}/")

    late = client_of(person("carl")).get(f"/join/{code}/")

    assert late.status_code == 404
    assert "unknown, already used, revoked or expired" in text_of(late)
    assert Membership.objects.filter(user__username="carl").count() == 0


def test_opening_the_link_does_not_use_it_up(client, code):
    client.get(f"/join/{code}/")
    client.head(f"/join/{code}/")

    assert Invitation.objects.get().is_open


def test_only_the_first_of_two_users_joins_with_an_invitation(code):
    seen = find(read_code(code) or "")
    assert seen
    join(seen, user=person("bo"))

    with pytest.raises(InvitationRefused, match="just been used"):
        join(seen, user=person("carl"))
    assert not Membership.objects.filter(user__username="carl").exists()


def test_group_members_and_instructors_cannot_join_and_the_invitation_stays_open(code, stranger, owner, instructor):
    for who, words in (
        (stranger, "You are already in ITMALGrp02"),
        (owner, "You are already in ITMALGrp01"),
        (instructor, "Instructors are in no group"),
    ):
        assert words in text_of(client_of(who).get(f"/join/{code}/"))
        assert words in text_of(client_of(who).post(f"/join/{code}/"))
    assert Invitation.objects.get().is_open
    assert Membership.objects.count() == 2


def test_a_member_of_a_group_in_last_years_course_can_join(code, group):
    last_year = Group.objects.create(course=Course.objects.create(name="Machine learning", term="2025"), name="Old")
    client_of(bo := person("bo", last_year)).post(f"/join/{code}/")

    assert bo.group_in(group.course) == group


def test_a_code_may_be_typed_in_lower_case_or_without_hyphens(client, code):
    for written in (code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert client.post("/join/", {"code": written})["Location"] == f"/join/{code}/"


def test_an_impossible_code_is_explained(client, db):
    for typed in ("", "0OI1" * 4, "x" * 300, "a\0" * 8):
        response = client.post("/join/", {"code": typed})

        assert response.status_code == 200
        assert "never contains 0, 1, I or O" in text_of(response)


@pytest.mark.parametrize("change", ["expired", "archived"])
def test_an_expired_invitation_or_an_archived_course_lets_nobody_in(client, code, change):
    if change == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    else:
        Course.objects.update(archived=True)

    assert client.get(f"/join/{code}/").status_code == 404
    assert client.post(f"/join/{code}/", ACCOUNT).status_code == 404
    assert not User.objects.filter(username="ada").exists()


def test_members_may_revoke_an_invitation_and_strangers_may_not(code, group, client, colleague_client, stranger_client):
    address = f"/groups/{group.pk}/invitations/{Invitation.objects.get().pk}/revoke/"

    assert stranger_client.post(address).status_code == 404
    assert colleague_client.get(address).status_code == 405
    assert Invitation.objects.exists()
    colleague_client.post(address)
    assert client.get(f"/join/{code}/").status_code == 404


def test_a_used_invitation_is_kept_and_cannot_be_revoked(code, owner_client, group):
    client_of(person("bo")).post(f"/join/{code}/")

    page = owner_client.post(f"/groups/{group.pk}/invitations/{Invitation.objects.get().pk}/revoke/", follow=True)

    assert "Someone has already joined with that invitation." in text_of(page)
    assert Invitation.objects.get().used_by == User.objects.get(username="bo")


def test_an_address_must_wait_after_ten_wrong_codes(client, code):
    wrong = "2222-2222-2222-2222"
    answers = [client.get(f"/join/{wrong}/").status_code for _ in range(10)]

    assert answers == [404] * 9 + [429]
    assert client.get(f"/join/{code}/").status_code == 429
    assert Client(REMOTE_ADDR="10.0.0.9").get(f"/join/{code}/").status_code == 200


def test_the_number_of_a_groups_open_invitations_is_limited(group, owner):
    for _ in range(MAX_OPEN):
        invite(group, user=owner)

    with pytest.raises(InvitationRefused, match="Revoke those"):
        invite(group, user=owner)


def test_an_archived_course_invites_nobody(owner_client, group):
    Course.objects.update(archived=True)

    page = text_of(owner_client.post(f"/groups/{group.pk}/invitations/", follow=True))

    assert "is archived" in page
    assert not Invitation.objects.exists()
