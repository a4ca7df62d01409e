"""The page of a group, and the tokens of its members."""

from __future__ import annotations

from submissions.intake import submit as intake
from submissions.models import ApiToken, Course, Group, Membership, Quest
from submissions.specs.validation import validate
from tests.cast import FOREST, client_of, person

PAGE = "/groups/ITMALGrp01/"


def create(client, group, name="laptop", scope="submit"):
    return client.post(f"/groups/{group.pk}/tokens/", {"name": name, "scope": scope})


def test_everybody_sees_what_the_board_shows(client, group, submission, submit, score):
    score(submission, 350)
    submit(FOREST, note="secret plan")

    text = client.get(PAGE).content.decode()

    assert "0.97222" in text
    assert "n_neighbors=4" in text
    assert "n_estimators=20" not in text
    assert f"/submissions/{submission.pk}/" not in text


def test_only_members_and_instructors_see_members_names(client, owner_client, instructor_client, stranger_client):
    assert "Members:" in owner_client.get(PAGE).content.decode()
    assert "Members:" in instructor_client.get(PAGE).content.decode()
    for outside in (client, stranger_client):
        text = outside.get(PAGE).content.decode()
        assert "Members:" not in text
        assert "Tokens" not in text


def test_a_member_sees_every_submission_and_the_quota(owner_client, submit):
    submit(FOREST)

    text = owner_client.get(PAGE).content.decode()

    assert "n_estimators=20" in text
    assert "49 of 50 submissions left today." in text


def test_a_new_token_is_shown_once_and_works(owner_client, owner, group):
    response = create(owner_client, group)

    token = ApiToken.objects.get()
    assert (token.user, token.group, token.name, token.expiry) == (owner, group, "laptop", None)
    secret = response.context["secret"]
    assert secret in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert secret not in owner_client.get(PAGE).content.decode()
    answer = owner_client.__class__().get("/api/v1/me/", headers={"Authorization": f"Token {secret}"})
    assert answer.status_code == 200


def test_a_token_needs_a_name(owner_client, group):
    for name in ("", "x" * 61, "a\0b"):
        assert create(owner_client, group, name=name).context["form"].errors
    assert not ApiToken.objects.exists()


def test_a_token_may_be_read_only(owner_client, group):
    create(owner_client, group, scope="read")

    assert ApiToken.objects.get().scope == "read"


def test_only_members_create_tokens_for_the_group(client, stranger_client, instructor_client, group):
    assert create(stranger_client, group).status_code == 404
    assert create(instructor_client, group).status_code == 404
    assert create(client, group).headers["Location"].startswith("/login/")
    assert not ApiToken.objects.exists()


def test_no_tokens_are_created_in_an_archived_course(owner_client, group):
    Course.objects.update(archived=True)

    create(owner_client, group)

    assert not ApiToken.objects.exists()
    assert "Create a token" not in owner_client.get(PAGE).content.decode()


def test_a_member_revokes_their_own_token(owner_client, owner_token, group):
    token = ApiToken.objects.get()

    response = owner_client.post(f"/groups/{group.pk}/tokens/{token.token_key}/revoke/", follow=True)

    assert "Revoked laptop." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_only_its_owner_and_instructors_revoke_a_token(
    colleague_client, stranger_client, instructor_client, owner_token, group
):
    address = f"/groups/{group.pk}/tokens/{ApiToken.objects.get().token_key}/revoke/"
    for other in (colleague_client, stranger_client):
        assert other.post(address).status_code == 404
    assert ApiToken.objects.exists()

    instructor_client.post(address)

    assert not ApiToken.objects.exists()


def test_of_two_groups_with_the_same_name_the_newer_courses_is_shown(client, group, course):
    older = Course.objects.create(name="Machine learning", term="autumn 2025", archived=True)
    namesake = Group.objects.create(course=older, name="ITMALGrp01")

    assert client.get(PAGE).context["group"] == group
    assert client.get(f"{PAGE}?course={older.pk}").context["group"] == namesake
    assert client.get(f"{PAGE}?course=odd").context["group"] == group
    assert client.get(f"{PAGE}?course=999").status_code == 404


def test_a_group_may_have_an_odd_name(course):
    odd = Group.objects.create(course=course, name="A/B & <c>")
    client = client_of(person("odd", odd))

    text = client.get("/submissions/", follow=True).content.decode()
    page = client.get("/groups/A/B%20&%20%3Cc%3E/").content.decode()

    assert "/groups/A/B%20&amp;%20%3Cc%3E/" in text
    assert "<h1>A/B &amp; &lt;c&gt;</h1>" in page


def test_a_group_that_does_not_exist_is_not_found(client, db):
    assert client.get("/groups/Nobody/").status_code == 404


def test_out_of_competition_runs_do_not_belong_to_the_group(client, group, instructor, quest, score):
    spec = validate(FOREST, dataset="digits")
    score(intake.submit(quest=quest, submitter=instructor, group=None, spec=spec)[0], 300)

    assert "n_estimators=20" not in client.get(PAGE).content.decode()


def test_a_quest_without_a_quota_says_so(owner_client, group, quest):
    Quest.objects.update(daily_quota=None)

    assert "no daily quota." in owner_client.get(PAGE).content.decode()


def test_a_former_member_sees_the_group_as_an_outsider(owner_client, group):
    Membership.objects.all().delete()

    assert "Tokens" not in owner_client.get(PAGE).content.decode()


def test_the_table_is_sent_again_when_something_is_new(client, group, submission, score):
    hx = {"HX-Request": "true"}
    version = client.get(PAGE).context["version"]
    assert client.get(f"{PAGE}?seen={version}", headers=hx).status_code == 204

    score(submission, 350)

    response = client.get(f"{PAGE}?seen={version}", headers=hx)
    assert b"0.97222" in response.content
    assert b"<html" not in response.content
