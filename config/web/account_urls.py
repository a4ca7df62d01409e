"""Logging in and out, one's own password, and the one-time link that a first password is set by."""

from django.contrib.auth import views as auth
from django.urls import path

from config.web import accounts

urlpatterns = [
    path("login/", accounts.LogIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("welcome/<uidb64>/<token>/", accounts.Welcome.as_view(), name="welcome"),
]
