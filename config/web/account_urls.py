"""URLs for login, logout, changing one's password, and the one-time link that sets the first password."""

from django.contrib.auth import views as auth
from django.urls import path

from config.web import accounts

urlpatterns = [
    path("login/", accounts.LogIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("welcome/<uidb64>/<token>/", accounts.SetFirstPassword.as_view(), name="welcome"),
]
