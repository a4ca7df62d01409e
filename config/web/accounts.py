"""The account pages: Django's views with this site's templates and messages."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _


class LogIn(views.LoginView):
    template_name = "registration/login.html"
    redirect_authenticated_user = True


class ChangePassword(views.PasswordChangeView):
    template_name = "registration/password.html"
    success_url = reverse_lazy("leaderboard:board")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password has been changed."))
        return super().form_valid(form)


class SetFirstPassword(views.PasswordResetConfirmView):
    """The one-time link on a slip: it sets a password and logs in."""

    template_name = "registration/welcome.html"
    success_url = reverse_lazy("leaderboard:board")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        messages.success(
            self.request,
            _("Welcome. Your password is set. Remember your username: %(username)s") % {"username": form.user.username},
        )
        return super().form_valid(form)
