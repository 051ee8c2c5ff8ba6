"""A real mail server on a test host, Exim as Debian has it, with an authority of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage

from tests.host.host import Host, wait_for

USER, PASSWORD = "watchdog", "correct horse"
DOMAIN = "example.com"
PORT = 587
UNIT = "mail.service"
HOME = "/etc/mail-tls"

# It takes mail for its local users alone, from who has logged in, which takes TLS.
CONFIG = f"""\
primary_hostname = mail.{DOMAIN}
domainlist local_domains = {DOMAIN}
daemon_smtp_ports = {PORT}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = {HOME}/server.pem
tls_privatekey = {HOME}/server.key
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
acl_smtp_rcpt = check_rcpt
smtp_accept_max = 0
begin acl
check_rcpt:
  require message = log in first
          authenticated = *
  require verify = recipient
  accept
begin routers
users:
  driver = accept
  domains = +local_domains
  check_local_user
  cannot_route_message = no such user here
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = $home/Maildir
  maildir_format
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}} {{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
"""

# In the foreground, looking for what is left in its queue every minute.
SERVICE = "[Service]\nExecStart=/usr/sbin/exim4 -bdf -q1m\n"

AUTHORITY = """
set -e
mkdir -p "$1"; cd "$1"
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
for ca in ca other-ca; do
  openssl req -x509 $new -days 2 -subj "/CN=$ca" -keyout $ca.key -out $ca.pem
done
openssl req $new -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \\
  -keyout server.key -out server.csr
openssl x509 -req -in server.csr -copy_extensions copy -days 2 \\
  -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem
chown root:Debian-exim server.key
chmod 640 server.key
"""


# How many mails the server has not delivered yet, and then what is there.
LIST = 'exim4 -bpc; ls -rt "/home/$1/Maildir/new" 2>/dev/null || true'


@dataclass(frozen=True)
class Exim:
    """The mail server of *host*."""

    host: Host

    ca_file = f"{HOME}/ca.pem"
    """The authority that signed its certificate."""

    other_ca_file = f"{HOME}/other-ca.pem"
    """One that did not."""

    def install(self, *users: str) -> None:
        """Configure it, with mailboxes for *users*."""
        self.host.sh(AUTHORITY, HOME)
        for user in users:
            self.host.run("useradd", "--create-home", user)
        self.host.write("/etc/exim4/exim4.conf", CONFIG, mode=0o644)
        self.host.write_unit(UNIT, SERVICE)

    def start(self) -> None:
        """Start it, new or again, and return when it answers."""
        self.host.systemctl("start", UNIT)
        wait_for(self._answers, 10, f"{UNIT} to answer")

    def stop(self) -> None:
        self.host.systemctl("stop", UNIT)

    def mails(self, user: str, count: int = 0) -> Sequence[EmailMessage]:
        """Return what is in the mailbox of *user*, oldest first, once there are *count*.

        Nothing that the server has taken is on its way to it any more.
        """

        def found() -> tuple[Sequence[str]] | None:
            listed = self.host.sh(LIST, user).stdout.split()
            queued, names = int(listed[0]), listed[1:]
            return (names,) if queued == 0 and len(names) >= count else None

        names = (wait_for(found, 20, f"{count} mails for {user}") or ((),))[0]
        mails = []
        for name in names:
            text = self.host.run("cat", f"/home/{user}/Maildir/new/{name}").stdout
            mail = message_from_string(text, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            mails.append(mail)
        return mails

    def empty(self, *users: str) -> None:
        """Empty the mailboxes of *users*."""
        for user in users:
            self.host.run("rm", "-rf", f"/home/{user}/Maildir")

    def _answers(self) -> bool:
        try:
            with self.host.connect(port=PORT) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False
