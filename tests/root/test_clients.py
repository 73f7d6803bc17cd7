"""Programs that people use fetch and delete mail as real users."""
from host import LOCALHOST, PASSWORD, entries, message, needs


def wire(n):
    return b"".join(line + b"\r\n" for line in message(n)[1]).decode()


def test_poplib_fetches_and_deletes(host):
    path = host.deliver("thomas")
    client = host.login()
    assert client.stat()[0] == 3
    for n in 1, 2, 3:
        assert client.retr(n)[1] == message(n)[1]
    client.dele(2)
    client.quit()
    assert path.read_bytes() == entries(1, 3)
    client = host.login()
    assert [client.retr(n)[1] for n in (1, 2)] == [message(1)[1],
                                                   message(3)[1]]
    client.quit()


def curl(host, path, *options):
    # text=True would hide the CRs
    return host.run("curl", "-sS", *options, f"pop3://{LOCALHOST}/{path}",
                    "--user", f"thomas:{PASSWORD}")


@needs("curl")
def test_curl_fetches_and_deletes(host):
    path = host.deliver("thomas")
    assert [line.split()[0] for line in curl(host, "").splitlines()] == [
        "1", "2", "3"]
    assert curl(host, "2") == wire(2).replace("\r\n", "\n")
    curl(host, "", "--head", "--request", "DELE 2")
    assert path.read_bytes() == entries(1, 3)


NET_POP3 = """
use Net::POP3;
my ($host, $user, $password) = @ARGV;
my $pop = Net::POP3->new($host, Timeout => 20) or die "connect: $@";
my $count = $pop->login($user, $password);
defined $count or die "login: " . $pop->message;
print "$count messages\\n";
my $list = $pop->list;
for my $n (sort keys %$list) {
    print @{$pop->get($n)};
    $n == 2 or next;
    $pop->delete($n) or die "delete: " . $pop->message;
}
$pop->quit or die "quit: " . $pop->message;
"""


@needs("perl")
def test_net_pop3_fetches_and_deletes(host):
    path = host.deliver("thomas")
    out = host.run("perl", "-e", NET_POP3, LOCALHOST, "thomas", PASSWORD)
    assert out == "3 messages\n" + "".join(
        wire(n).replace("\r\n", "\n") for n in (1, 2, 3))
    assert path.read_bytes() == entries(1, 3)


def test_two_users_are_served_at_once(host):
    host.user("anna", password="another word")
    host.deliver("anna", entries(7))
    thomas = host.login()
    anna = host.login("anna", "another word")
    assert anna.retr(1)[1] == message(7)[1]
    assert thomas.retr(1)[1] == message(1)[1]
    anna.quit()
    thomas.quit()
