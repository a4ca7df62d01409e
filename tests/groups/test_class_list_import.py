"""Importing a class list creates groups and users, with login slips; also by `manage.py import_groups`."""

import io

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from submissions.groups.class_list import ImportRefused, read_rows
from submissions.groups.class_list_import import import_groups
from submissions.groups.login_slips import reset_login, slips
from submissions.models import ApiToken, Course, Group, Membership, User

LIST = """group,username,name,student number
ITMALGrp01,anna,Anna Ærø Hansen,20201
ITMALGrp01,bo,Bo Jørgensen,20202
ITMALGrp02,carl,Carl Ünal,20203
"""


def refusal(content: bytes | str) -> list[str]:
    try:
        listed = read_rows(content.encode() if isinstance(content, str) else content)
    except ImportRefused as refused:
        return [str(error) for error in refused.errors]
    return [str(error) for error in listed.errors]


def members_by_group() -> dict[str, list[str]]:
    return {group.name: sorted(group.members.values_list("username", flat=True)) for group in Group.objects.all()}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_all_separators_encodings_and_newlines_are_read_alike(separator, encoding, newline):
    text = LIST.replace(",", separator).replace("\n", newline)

    rows, _ = read_rows(text.encode(encoding))

    assert [(row.group, row.username, row.name, row.student_number) for row in rows] == [
        ("ITMALGrp01", "anna", "Anna Ærø Hansen", "20201"),
        ("ITMALGrp01", "bo", "Bo Jørgensen", "20202"),
        ("ITMALGrp02", "carl", "Carl Ünal", "20203"),
    ]


def test_a_heading_may_order_the_columns_and_unknown_columns_are_ignored():
    ((row,), _) = read_rows(
        b"Student number;E-mail;Username;Full name;Group\n20201;a@b.dk;anna;Anna Hansen;ITMALGrp01\n"
    )

    assert (row.line, row.group, row.username, row.name, row.student_number) == (
        2,
        "ITMALGrp01",
        "anna",
        "Anna Hansen",
        "20201",
    )


def test_without_a_heading_the_columns_are_group_username_name_and_number():
    rows, _ = read_rows(b'\n ITMALGrp01 , anna , "Hansen, Anna", 20201\n\nITMALGrp01,bo\n')

    assert [(row.line, row.username, row.name, row.student_number) for row in rows] == [
        (2, "anna", "Hansen, Anna", "20201"),
        (4, "bo", "", ""),
    ]


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ("", ["The file is empty; it needs a line for each student."]),
        ("group,username\n", ["The file has a header row but no students."]),
        ("group,name\nITMALGrp01,Anna\n", ["line 1: The header row has no column username."]),
        ("group,user,login\na,b,c\n", ["line 1: The header row names the column username twice."]),
        ("group,username\nITMALGrp01,\n,bo\n", ["line 2: The username is missing.", "line 3: The group is missing."]),
        ("g1,anna,Anna,1,more\n", ["line 1: There are 5 cells where 4 columns are expected."]),
        ('g1,anna,"Anna\nHansen",1\n', ["line 1: The name has a line break or another control character in it."]),
        (b"PK\x03\x04\x00\x00", ["This is not a text file: save the list as CSV (UTF-8)."]),
        (b"x" * ((1 << 20) + 1), ["The file is larger than 1 MB: this cannot be a class list."]),
    ],
)
def test_an_invalid_file_is_refused_with_its_lines(content, errors):
    assert refusal(content) == errors


def test_unmatched_quotation_marks_are_refused_with_their_line():
    (error,) = refusal('g1,anna,Anna,1\ng1,bo,"Bo,2\n')

    assert error.startswith("line 2: The quotation marks do not match from here on")


@given(st.binary(max_size=300) | st.text("a,;\t\"'\r\n\0 é", max_size=60).map(str.encode))
def test_every_file_is_either_read_or_refused(content):
    try:
        rows, errors = read_rows(content)
    except ImportRefused:
        return
    assert rows or errors
    assert all(row.group and row.username and row.line for row in rows)


def test_an_import_creates_groups_and_users_without_passwords(course):
    done = import_groups(course=course, content=LIST.encode())

    assert members_by_group() == {"ITMALGrp01": ["anna", "bo"], "ITMALGrp02": ["carl"]}
    assert (len(done.groups), len(done.users), len(done.joined)) == (2, 3, 3)
    anna = User.objects.get(username="anna")
    assert (anna.get_full_name(), anna.student_number) == ("Anna Ærø Hansen", "20201")
    assert not anna.has_usable_password()


def test_a_second_import_of_the_same_file_changes_nothing(course):
    import_groups(course=course, content=LIST.encode())
    before = list(User.objects.values()), list(Group.objects.values()), list(Membership.objects.values())

    done = import_groups(course=course, content=LIST.encode())

    assert not done.changed
    assert before == (list(User.objects.values()), list(Group.objects.values()), list(Membership.objects.values()))


def test_a_student_listed_in_another_group_is_moved_and_reported(course):
    import_groups(course=course, content=LIST.encode())
    bo = User.objects.get(username="bo")
    ApiToken.objects.create(user=bo, group=Group.objects.get(name="ITMALGrp01"))

    done = import_groups(course=course, content=b"ITMALGrp02,bo\n")

    assert [(move.user.username, move.left.name, move.joined.name) for move in done.moved] == [
        ("bo", "ITMALGrp01", "ITMALGrp02")
    ]
    assert members_by_group() == {"ITMALGrp01": ["anna"], "ITMALGrp02": ["bo", "carl"]}
    assert not ApiToken.objects.exists(), "a token must not act for a group that its owner has left"
    bo.refresh_from_db()
    assert bo.student_number == "20202", "an empty cell deletes nothing"


def test_a_corrected_name_replaces_the_old_one(course):
    import_groups(course=course, content=LIST.encode())

    done = import_groups(course=course, content=LIST.replace("Carl Ünal", "Carla Ünal").encode())

    assert [user.username for user in done.corrected] == ["carl"]
    assert User.objects.get(username="carl").get_full_name() == "Carla Ünal"


def test_a_student_of_an_earlier_term_keeps_the_login_and_joins_the_new_group(course):
    earlier = Course.objects.create(name="Machine learning", term="spring 2026")
    import_groups(course=earlier, content=LIST.encode())

    done = import_groups(course=course, content=b"ITMALGrp01,Anna\n")

    assert done.users == []
    anna = User.objects.get(username="anna")
    assert {str(membership.group.course) for membership in anna.memberships.all()} == {str(earlier), str(course)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ITMALGrp02,Anna", "line 5: Anna is on line 2 already."),
        ("itmalgrp02,dora", "line 5: The group itmalgrp02 is written ITMALGrp02 elsewhere: write both alike."),
        ("ITMALGrp02,instructor", "line 5: instructor is an instructor, who cannot be in a group."),
        ("ITMALGrp02,do ra", "line 5: username: Enter a valid username."),
        (f"ITMALGrp02,dora,,{'9' * 40}", "line 5: student number: Ensure this value has at most 32 characters"),
        (f"{'G' * 61},dora", "line 5: group: Ensure this value has at most 60 characters"),
    ],
)
def test_with_one_bad_line_nothing_is_imported(course, instructor, line, message):
    with pytest.raises(ImportRefused) as refused:
        import_groups(course=course, content=f"{LIST}{line}\n".encode())

    assert [str(error)[: len(message)] for error in refused.value.errors] == [message]
    assert (Group.objects.count(), User.objects.count()) == (0, 1)


def test_all_bad_lines_are_reported_together(course):
    with pytest.raises(ImportRefused) as refused:
        import_groups(course=course, content=b"g1,anna\ng1,\ng1,no spaces\n,bo\n")

    assert [error.line for error in refused.value.errors] == [2, 3, 4]


def test_an_archived_course_accepts_no_import(course):
    Course.objects.update(archived=True)

    with pytest.raises(ImportRefused, match="archived"):
        import_groups(course=course, content=LIST.encode())


def test_only_users_without_a_password_get_a_slip(course):
    import_groups(course=course, content=LIST.encode())
    bo = User.objects.get(username="bo")
    bo.set_password("correct horse battery")
    bo.save()

    waiting = slips(course, base_url="https://quest.example/")

    assert [slip.user.username for slip in waiting] == ["anna", "carl"]
    token = waiting[0].link.rstrip("/").rsplit("/", 1)[1]
    assert waiting[0].link.startswith("https://quest.example/welcome/")
    assert default_token_generator.check_token(waiting[0].user, token)


def test_resetting_a_login_invalidates_the_password_and_the_earlier_link(owner):
    earlier = default_token_generator.make_token(owner)

    reset_login(owner)

    assert not owner.has_usable_password()
    assert not default_token_generator.check_token(owner, earlier)


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_groups", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_link_for_each_new_user(course, tmp_path):
    (tmp_path / "list.csv").write_text(LIST)

    printed = command(str(tmp_path / "list.csv"), "--base-url", "https://quest.example")

    assert printed.count("https://quest.example/welcome/") == 3
    assert "2 new groups, 3 new users" in printed
    assert "nothing changed" in command(str(tmp_path / "list.csv"))


def test_the_command_prints_errors_with_their_lines(course, tmp_path):
    (tmp_path / "list.csv").write_text(f"{LIST}ITMALGrp02,anna\n")

    with pytest.raises(CommandError, match=r"Nothing was imported\.\nline 5: anna is on line 2 already\.") as refused:
        command(str(tmp_path / "list.csv"))
    assert refused.value.returncode == 1


def test_with_several_current_courses_the_command_asks_for_one(course, tmp_path):
    Course.objects.create(name="Deep learning", term="autumn 2026")
    (tmp_path / "list.csv").write_text(LIST)

    with pytest.raises(
        CommandError, match='Current courses: "Deep learning autumn 2026", "Machine learning autumn 2026"'
    ):
        command(str(tmp_path / "list.csv"))
    assert "2 new groups" in command(str(tmp_path / "list.csv"), "--course", "Machine learning")


def test_the_command_says_that_a_file_does_not_exist(course, tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        command(str(tmp_path / "list.csv"))
