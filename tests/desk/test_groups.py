"""Groups at the desk: class lists, login slips, login resets and lockouts."""

import pytest
from django.contrib.auth import authenticate
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from submissions.models import Course, Group, Membership, User
from tests.cast import PASSWORD, person
from tests.groups.test_class_list_import import LIST

pytestmark = pytest.mark.slow


def upload(client, course: Course, text: str) -> str:
    file = SimpleUploadedFile("list.csv", text.encode(), content_type="text/csv")
    response = client.post(f"/desk/courses/{course.pk}/groups/", {"file": file})
    assert response.status_code == 200
    return response.content.decode()


def test_a_class_list_is_imported_and_the_page_summarizes_the_changes(course, instructor_client):
    page = upload(instructor_client, course, LIST)

    assert "2 new groups" in page
    assert "3 new users, with login slips to print" in page
    assert "Anna Ærø Hansen" in page
    assert Membership.objects.count() == 3


def test_the_same_list_again_changes_nothing_and_says_so(course, instructor_client):
    upload(instructor_client, course, LIST)

    assert "All 3 students on this list are already in" in upload(instructor_client, course, LIST)
    assert (Group.objects.count(), Membership.objects.count()) == (2, 3)


def test_a_student_who_changed_groups_is_named(course, instructor_client):
    upload(instructor_client, course, LIST)

    assert "bo moved from ITMALGrp01 to ITMALGrp02" in upload(instructor_client, course, "ITMALGrp02;bo;;\n")


def test_errors_are_shown_by_line_and_nothing_is_imported(course, instructor_client):
    page = upload(instructor_client, course, f"{LIST}ITMALGrp02,anna\n,dora\n".replace("dora", "<b>"))

    assert "Nothing was imported" in page
    assert "Line 6:" in page
    assert "<b>" not in page
    assert not Group.objects.exists()


def test_a_form_without_a_file_asks_for_one(course, instructor_client):
    response = instructor_client.post(f"/desk/courses/{course.pk}/groups/")

    assert "This field is required." in response.content.decode()


def test_an_archived_course_offers_no_import(course, instructor_client):
    Course.objects.update(archived=True)

    assert 'type="file"' not in instructor_client.get(f"/desk/courses/{course.pk}/groups/").content.decode()
    assert "its groups cannot change" in upload(instructor_client, course, LIST)
    assert not Group.objects.exists()


def test_the_groups_link_leads_to_the_newest_course(course, instructor_client):
    newest = Course.objects.create(name="Machine learning", term="spring 2027")

    assert instructor_client.get("/desk/groups/")["Location"] == f"/desk/courses/{newest.pk}/groups/"

    Course.objects.all().delete()
    assert instructor_client.get("/desk/groups/")["Location"] == "/desk/courses/"


def test_each_new_user_has_a_slip_whose_link_sets_a_password_once(course, instructor_client, client):
    upload(instructor_client, course, LIST)

    slips = instructor_client.get(f"/desk/courses/{course.pk}/slips/").context["slips"]

    assert [slip.user.username for slip in slips] == ["anna", "bo", "carl"]
    assert slips[0].link.startswith("http://testserver/welcome/")
    form = client.get(slips[0].link, follow=True)
    client.post(form.request["PATH_INFO"], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert authenticate(RequestFactory().post("/login/"), username="anna", password=PASSWORD)
    assert "has been used" in client.get(slips[0].link, follow=True).content.decode()
    left = instructor_client.get(f"/desk/courses/{course.pk}/slips/").context["slips"]
    assert [slip.user.username for slip in left] == ["bo", "carl"]


def test_one_members_slip_can_be_printed_alone(course, instructor_client):
    upload(instructor_client, course, LIST)
    bo = Membership.objects.get(user__username="bo")

    slips = instructor_client.get(f"/desk/courses/{course.pk}/slips/?member={bo.pk}").context["slips"]

    assert [slip.user.username for slip in slips] == ["bo"]
    assert instructor_client.get(f"/desk/courses/{course.pk}/slips/?member=x").context["slips"] == []


def test_resetting_a_login_ends_its_session_and_gives_a_new_link(owner, owner_client, instructor_client):
    membership = Membership.objects.get(user=owner)
    assert owner_client.get("/password/").status_code == 200

    page = instructor_client.post(f"/desk/members/{membership.pk}/reset/", follow=True)

    assert [slip.user for slip in page.context["slips"]] == [owner]
    assert "The password of owner is removed" in page.content.decode()
    assert owner_client.get("/password/").status_code == 302, "the session is over too"
    assert not authenticate(RequestFactory().post("/login/"), username="owner", password=PASSWORD)


def test_an_instructors_login_cannot_be_reset_at_the_desk(group, instructor_client):
    colleague = person("second", group, is_staff=True)

    response = instructor_client.post(f"/desk/members/{Membership.objects.get(user=colleague).pk}/reset/")

    assert response.status_code == 404
    assert User.objects.get(username="second").has_usable_password()


def test_a_new_group_is_created_and_its_page_offers_invitations(course, group, instructor_client):
    page = instructor_client.post(f"/desk/courses/{course.pk}/groups/new/", {"name": "ITMALGrp09"}, follow=True)

    assert "invite its members" in page.content.decode()
    assert "Invite someone" in page.content.decode()
    again = instructor_client.post(f"/desk/courses/{course.pk}/groups/new/", {"name": "itmalgrp01"})
    assert "already has a group with this name" in again.content.decode()
    assert Group.objects.count() == 2


def test_a_locked_out_user_is_listed_and_can_be_unlocked(owner, course, client, instructor_client):
    wrong = {"username": "owner", "password": "wrong"}
    for _ in range(10):
        client.post("/login/", wrong)
    assert client.post("/login/", {"username": "owner", "password": PASSWORD}).status_code == 429

    page = instructor_client.get(f"/desk/courses/{course.pk}/groups/").content.decode()
    assert 'aria-label="Unlock owner"' in page

    answer = instructor_client.post("/desk/logins/unlock/", {"username": "owner"}, follow=True)
    assert "they can try again now" in answer.content.decode()
    assert client.post("/login/", {"username": "owner", "password": PASSWORD}).status_code == 302
    assert "Nobody is locked out." in instructor_client.get(f"/desk/courses/{course.pk}/groups/").content.decode()


def test_unlocking_a_user_who_is_not_locked_out_says_so(db, course, instructor_client):
    answer = instructor_client.post("/desk/logins/unlock/", {"username": "nobody"}, follow=True)

    assert "Nothing is locked now." in answer.content.decode()


def test_nine_wrong_passwords_lock_nobody_out(owner, course, client, instructor_client):
    for _ in range(9):
        client.post("/login/", {"username": "owner", "password": "wrong"})

    assert "Nobody is locked out." in instructor_client.get(f"/desk/courses/{course.pk}/groups/").content.decode()
