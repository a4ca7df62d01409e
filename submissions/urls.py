"""URLs of the pages for submitting, following submissions, groups and invitations."""

from django.urls import path

from submissions.pages import client, compare, final, group, image, invitation, submission, submit

app_name = "submissions"
urlpatterns = [
    path("submit/", submit.submit, name="submit"),
    path("submit/check/", submit.check, name="check"),
    path("submit/build/", submit.build, name="build"),
    path("submit/as/<str:mode>/", submit.switch_mode, name="switch_mode"),
    path("submissions/", submission.submission_list, name="list"),
    path("submissions/<int:pk>/", submission.detail, name="detail"),
    path("submissions/<int:pk>/live/", submission.live, name="live"),
    path("submissions/<int:pk>/cancel/", submission.cancel, name="cancel"),
    path("submissions/<int:pk>/final/", final.final, name="final"),
    path("submissions/<int:pk>/note/", submission.note, name="note"),
    path("submissions/<int:pk>/compare/", compare.compare_with, name="compare_with"),
    path("submissions/<int:pk>/compare/<int:other>/", compare.compare_two, name="compare"),
    path("images/<slug:dataset>/<slug:part>/<int:index>.png", image.dataset_image, name="image"),
    path("client/", client.client_page, name="client"),
    path("client/<str:filename>", client.client_wheel, name="client_wheel"),
    path("groups/<int:pk>/tokens/", group.token_create, name="token_create"),
    path("groups/<int:pk>/tokens/<str:token_key>/revoke/", group.token_revoke, name="token_revoke"),
    path("groups/<int:pk>/invitations/", invitation.invitation_create, name="invitation_create"),
    path(
        "groups/<int:pk>/invitations/<int:invitation>/revoke/",
        invitation.invitation_revoke,
        name="invitation_revoke",
    ),
    path("join/", invitation.join_by_code, name="join_by_code"),
    path("join/<str:code>/", invitation.join_page, name="join"),
    path("groups/<path:name>/", group.group_page, name="group"),
]
