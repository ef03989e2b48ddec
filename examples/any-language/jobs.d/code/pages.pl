#!/usr/bin/env perl
use strict;
use warnings;
use JSON::PP;

my $json  = JSON::PP->new->utf8->canonical;
my $state = -e $ENV{RUNNER_STATE} ? $json->decode(slurp($ENV{RUNNER_STATE})) : {pages => [], tries => 0};
my $stop  = 0;
$SIG{TERM} = sub { $stop = 1 };    # looked at between two pages: nothing is cut in half

$| = 1;
$state->{tries}++;
printf "try %d begins after %d pages\n", $state->{tries}, scalar @{$state->{pages}};
while (@{$state->{pages}} < 5 && !$stop) {
    my $page = @{$state->{pages}} + 1;
    if ($page == 4 && $state->{tries} == 1) {
        spew($ENV{RUNNER_STATE}, $json->encode($state));
        die "the connection is gone\n";
    }
    print "page $page\n";
    push @{$state->{pages}}, "title of page $page";
    spew($ENV{RUNNER_STATE}, $json->encode($state));
    spew($ENV{RUNNER_PROGRESS}, "$page/5 pages\n");
}
exit 1 if $stop;
spew($ENV{RUNNER_INFO},   $json->encode({pages => {fetched => scalar @{$state->{pages}}}}));
spew($ENV{RUNNER_OUTPUT}, 'titles:=' . $json->encode($state->{pages}) . "\n");

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub spew {    # written aside and renamed, so that nobody reads half of it
    my ($path, $text) = @_;
    open my $file, '>:raw', "$path.new" or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    rename "$path.new", $path or die "$path: $!";
}
