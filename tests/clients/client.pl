# Net::POP3: PORT SECURITY OUT SEEN keep|delete
use strict; use warnings; use Net::POP3;
my ($port, $security, $out, $seen, $what) = @ARGV;
my @tls = (SSL_verify_mode => 0);
my $pop = Net::POP3->new('127.0.0.1', Port => $port, Timeout => 20,
    $security eq 'tls' ? (SSL => 1, @tls) : ()) or die "connect: $@";
$pop->starttls(@tls) or die 'STLS' if $security eq 'stls';
defined $pop->login('thomas', 'secret') or die 'login: ' . $pop->message;
my %old;
if (open my $f, '<', $seen) { while (<$f>) { chomp; $old{$_} = 1 } }
my $ids = $pop->uidl;
for my $n (sort { $a <=> $b } keys %$ids) {
    if (!$old{$ids->{$n}}) {
        open my $f, '>:raw', sprintf('%s/%06d', $out, $n) or die $!;
        print $f @{$pop->get($n)};
    }
    $what eq 'keep' or $pop->delete($n) or die 'delete';
}
$pop->quit or die 'quit';
open my $f, '>', $seen or die $!;
print $f "$_\n" for values %$ids;
