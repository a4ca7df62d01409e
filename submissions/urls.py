"""Addresses of the pages with which a group submits and follows its submissions."""

from django.urls import path

from submissions import (
    client_views,
    compare_views,
    final_views,
    group_views,
    image_views,
    invitation_views,
    submission_views,
    submit_views,
)

app_name = "submissions"
urlpatterns = [
    path("submit/", submit_views.submit, name="submit"),
    path("submit/check/", submit_views.check, name="check"),
    path("submit/build/", submit_views.build, name="build"),
    path("submit/as/<str:way>/", submit_views.turn, name="turn"),
    path("submissions/", submission_views.submission_list, name="list"),
    path("submissions/<int:pk>/", submission_views.detail, name="detail"),
    path("submissions/<int:pk>/live/", submission_views.live, name="live"),
    path("submissions/<int:pk>/cancel/", submission_views.cancel, name="cancel"),
    path("submissions/<int:pk>/final/", final_views.final, name="final"),
    path("submissions/<int:pk>/note/", submission_views.note, name="note"),
    path("submissions/<int:pk>/compare/", compare_views.compare_with, name="compare_with"),
    path("submissions/<int:pk>/compare/<int:other>/", compare_views.compare_two, name="compare"),
    path("images/<slug:dataset>/<slug:part>/<int:index>.png", image_views.dataset_image, name="image"),
    path("client/", client_views.client_page, name="client"),
    path("client/<str:filename>", client_views.client_wheel, name="client_wheel"),
    path("groups/<int:pk>/tokens/", group_views.token_create, name="token_create"),
    path("groups/<int:pk>/tokens/<str:token_key>/revoke/", group_views.token_revoke, name="token_revoke"),
    path("groups/<int:pk>/invitations/", invitation_views.invitation_create, name="invitation_create"),
    path(
        "groups/<int:pk>/invitations/<int:invitation>/revoke/",
        invitation_views.invitation_revoke,
        name="invitation_revoke",
    ),
    path("join/", invitation_views.join_by_code, name="join_by_code"),
    path("join/<str:code>/", invitation_views.join_page, name="join"),
    path("groups/<path:name>/", group_views.group_page, name="group"),
]
