"""
Thunderbird with a profile of its own, on a screen that nobody sees (Xvfb). It
fetches mail when it starts, as it does for a user who left it open.
"""
import base64
import contextlib
import ctypes
import json
import re
import shutil
import signal
import subprocess
import time

from clients import PATIENCE, Client

# ---- the profile

SOCKET_TYPES = {"plain": 0, "stls": 2, "tls": 3}  # nsMsgSocketType
PASSWORD_CLEARTEXT = 3  # nsMsgAuthMethod: TLS is what hides it

# It asks for nothing, shows nothing but mail, and looks no name up: all that
# it could reach is the server.
QUIET = {
    "network.dns.disabled": True,
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.bypassNotification": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    # what it says to the server, on stdout
    "devtools.console.stdout.chrome": True,
    "mailnews.pop3.loglevel": "All",
}


def account(profile, user, port, security, delete):
    """The preferences of a POP3 account, and of Local Folders."""
    prefs = {
        "mail.accountmanager.accounts": "account1,account2",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.accountmanager.localfoldersserver": "server2",
        "mail.account.account1.identities": "id1",
        "mail.account.account1.server": "server1",
        "mail.account.account2.server": "server2",
        "mail.identity.id1.fullName": user,
        "mail.identity.id1.useremail": f"{user}@example.org",
        "mail.identity.id1.valid": True,
    }
    servers = {"server1": {
        "type": "pop3", "hostname": "127.0.0.1", "port": port,
        "userName": user, "name": f"{user}@example.org", "directory": "pop3",
        "socketType": SOCKET_TYPES[security], "authMethod": PASSWORD_CLEARTEXT,
        "login_at_startup": True, "download_on_biff": True,
        "leave_on_server": not delete, "delete_mail_left_on_server": False,
    }, "server2": {
        "type": "none", "hostname": "Local Folders", "userName": "nobody",
        "name": "Local Folders", "directory": "local",
    }}
    for key, server in servers.items():
        directory = server["directory"]
        server["directory"] = str(profile / "Mail" / directory)
        server["directory-rel"] = f"[ProfD]Mail/{directory}"
        prefs.update((f"mail.server.{key}.{name}", value)
                     for name, value in server.items())
    return prefs


class SecItem(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("data", ctypes.c_void_p),
                ("len", ctypes.c_uint)]


@contextlib.contextmanager
def key_store(profile):
    """Encrypts as a profile without a primary password does; makes key4.db."""
    nss = ctypes.CDLL("libnss3.so")
    nss.PK11_GetInternalKeySlot.restype = ctypes.c_void_p
    assert nss.NSS_InitReadWrite(f"sql:{profile}".encode()) == 0
    slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
    assert nss.PK11_InitPin(slot, b"", b"") == 0

    def encrypt(text):
        buffer = ctypes.create_string_buffer(text.encode())
        data = SecItem(0, ctypes.addressof(buffer), len(text))
        out = SecItem()
        assert nss.PK11SDR_Encrypt(
            ctypes.byref(SecItem()), ctypes.byref(data), ctypes.byref(out),
            None) == 0
        return base64.b64encode(ctypes.string_at(out.data, out.len)).decode()

    yield encrypt
    nss.PK11_FreeSlot(slot)
    assert nss.NSS_Shutdown() == 0


def save_password(profile, user, password):
    realm = "mailbox://127.0.0.1"
    with key_store(profile) as encrypt:
        login = {"id": 1, "hostname": realm, "httpRealm": realm,
                 "formSubmitURL": None, "usernameField": "",
                 "passwordField": "", "encryptedUsername": encrypt(user),
                 "encryptedPassword": encrypt(password), "encType": 1,
                 "guid": "{00000000-0000-4000-8000-000000000001}"}
    (profile / "logins.json").write_text(json.dumps(
        {"nextId": 2, "logins": [login], "version": 3}))


def trust(profile, authority):
    subprocess.run(["certutil", "-A", "-n", "test", "-t", "C,,", "-d",
                    f"sql:{profile}", "-i", authority], check=True)


# ---- the program

@contextlib.contextmanager
def screen():
    """The name of an X display."""
    with subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1080x800x24",
             "-nolisten", "tcp"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            yield f":{server.stdout.readline().decode().strip()}"
        finally:
            server.terminate()


def picture(display, path):
    """A screenshot, and the text that can be read in it."""
    subprocess.run(["import", "-display", display, "-window", "root", path],
                   check=True, stdin=subprocess.DEVNULL)
    larger = subprocess.run(["convert", path, "-resize", "200%", "png:-"],
                            check=True, stdout=subprocess.PIPE).stdout
    return subprocess.run(["tesseract", "-", "-"], input=larger, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode()


class Thunderbird(Client):
    program = "thunderbird"
    quick = False

    @classmethod
    def missing(cls):
        for program in cls.program, "Xvfb", "certutil", "import", "tesseract":
            if shutil.which(program) is None:
                return f"{program} is not installed"
        return None

    @property
    def profile(self):
        return self.home / "profile"

    def make_profile(self):
        self.profile.mkdir()
        save_password(self.profile, self.user, self.password)
        if self.security != "plain":
            trust(self.profile, self.certificate)

    def set_up(self, delete):
        if not self.profile.exists():
            self.make_profile()
        prefs = {**QUIET, **account(self.profile, self.user, self.port,
                                    self.security, delete)}
        self.write("profile/user.js", "".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in prefs.items()))

    @contextlib.contextmanager
    def running(self, delete=False):
        """Thunderbird after it has fetched mail; yields its display."""
        self.set_up(delete)
        output = self.home / "output"
        with screen() as display, output.open("wb") as out, self.start(
                "thunderbird", "--profile", self.profile, "--no-remote",
                display=display, stdout=out) as process:
            try:
                self.await_session(process, output)
                yield display
            finally:
                process.send_signal(signal.SIGTERM)

    def await_session(self, process, output):
        deadline = time.monotonic() + 2 * PATIENCE
        while "Connection closed." not in (said := output.read_text(
                errors="replace")):
            assert time.monotonic() < deadline and process.poll() is None, said
            time.sleep(0.05)
        assert '"Done with status=0x0"' in said, said

    def fetch(self, delete):
        before = len(self.inbox())
        with self.running(delete):
            pass
        return self.inbox()[before:]

    def inbox(self):
        """The messages in Inbox, without what Thunderbird has put there."""
        path = self.profile / "Mail/pop3/Inbox"
        if not path.exists():
            return []
        _, *found = re.split(rb"^From - .*\r\n", path.read_bytes(),
                             flags=re.M)
        return [re.sub(rb"^>(?=>*From )", b"", re.sub(OWN, b"", text),
                       flags=re.M).removesuffix(b"\r\n") for text in found]


OWN = re.compile(rb"\A((X-Account-Key|X-UIDL|X-Mozilla-\w+): .*\n)+")
