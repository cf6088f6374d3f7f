#include "tests/unit/conf/parse.h"

static const Row rows[] = {
    {"name = \"gw\"", "name = \"a b\"",
     "1: 'name' must be 1 to 64 letters, digits or . _ -, beginning with a letter or digit\n"},
    {"name = \"gw\"", "name = \"gw\" state = \"var\"", "1: 'state' must be an absolute path without '..'\n"},
    {"time-zone = \"UTC\"", "time-zone = \"Mars/Base\"",
     "1: 'time-zone' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"\n"},
    {"time-zone = \"UTC\"", "time-zone = \"../../etc/passwd\"",
     "1: 'time-zone' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"\n"},
    {" time-zone = \"UTC\"", "",
     "1: warning: 'time-zone' is not set, so days and times are those of UTC; if that is meant, say so with time-zone "
     "= "
     "\"UTC\"\n"},
    {"name = \"gw\"", "name = \"gw\" key-warning-days = \"soon\"",
     "1: 'key-warning-days' must be a whole number from 0 to 3650\n"},
    {"name = \"gw\"", "name = \"gw\" log { format = xml level = loud }",
     "1: 'format' must be one of: text, json\n"
     "1: 'level' must be one of: error, warning, info, debug\n"},
    {"decrypt-with = \"0123", "decrypt-with = \"X123",
     "6: 'decrypt-with' must be a whole fingerprint, 40 or 64 hexadecimal digits (gpg --list-keys shows it)\n"},
    {"signed-by = { \"0123456789", "signed-by = { \"56789",
     "5: 'signed-by' must hold whole fingerprints, 40 or 64 hexadecimal digits (gpg --list-keys shows them)\n"},
    {"signed-by = { ",
     "signed-by = { \"0123456789ABCDEF0123456789ABCDEF01234567\", \"0123456789ABCDEF0123456789ABCDEF01234567\", ",
     "5: 'signed-by' has 3 values; 2 are the most\n"},
    {"signed-by = { ", "signed-by = { \"0123456789ABCDEF0123456789ABCDEF01234567\", ",
     "5: warning: 'signed-by' holds the same key twice; the second place is for the next key\n"},
    {"url = \"sftp://gw@", "url = \"sftp://gw:hunter2@",
     "9: 'url': the URL holds a password: put it into a file that only the gateway can read, and name that with "
     "password-file\n"},
    {"url = \"sftp://gw@", "url = \"sftp://", "9: 'url': the URL needs the user to log in as: sftp://user@host\n"},
    {"sftp.example:22", "sftp.example:0", "9: 'url': the URL's port must be from 1 to 65535\n"},
    {"sftp.example:22", "sftp.example/out",
     "9: 'url': the URL ends with the host and port; the folder goes into 'path' of source and feedback\n"},
    {"sftp.example:22", "2001:db8::1",
     "9: 'url': an IPv6 address in a URL stands in brackets: sftp://user@[2001:db8::1]:22\n"},
    {"sftp.example:22", "[2001:db8::g]", "9: 'url': what the URL has in brackets is not an IPv6 address\n"},
    {"url = \"sftp://gw@", "url = \"ftp://gw@",
     "10: 'host-key' has no meaning with ftp://\n"
     "11: 'identity-file' has no meaning with ftp://\n"
     "8: 'password-file' is missing in endpoint \"main\": the password to log in with\n"},
    {"url = \"sftp://gw@", "url = \"scp://gw@",
     "9: 'url': the URL must begin with sftp://, ftp://, ftps://, https://, http://, mailbox:// or file://\n"},
    {"\"sftp://gw@sftp.example:22\"", "\"file:///srv/drop\"",
     "10: 'host-key' has no meaning with file://\n"
     "11: 'identity-file' has no meaning with file://\n"},
    {"host-key = { \"SHA256:NWW", "host-key = { \"MD5:NWW",
     "10: 'host-key' must be as ssh-keygen -lf shows it: SHA256: and 43 digits of base 64\n"},
    {"    identity-file = \"/etc/key\"\n", "    passphrase-file = \"/etc/pass\"\n",
     "8: 'identity-file' is missing in endpoint \"main\": the private key to log in with (or password-file)\n"
     "11: 'passphrase-file' is for the private key of identity-file, which is not there\n"},
    {"identity-file = \"/etc/key\"", "identity-file = \"key\"",
     "11: 'identity-file' must be an absolute path without '..'\n"},
    {"identity-file = \"/etc/key\"",
     "identity-file = \"/etc/key\" connections = 0 connect-timeout = 5 io-timeout = \"2d\"",
     "11: 'connections' must be a whole number from 1 to 16\n"
     "11: 'connect-timeout' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 5m\n"
     "11: 'io-timeout' must be a time like \"60s\", \"5m\", \"2h\" or \"1d\" from 1s to 1h\n"},
    {"delimiter = \"|\"", "delimiter = \"\\n\"", "15: 'delimiter' holds a line end\n"},
    {"delimiter = \"|\"", "delimiter = \"\"", "15: 'delimiter' is empty\n"},
    {"delimiter = \"|\"", "delimiter = \"|\" charset = \"KLINGON\"",
     "15: 'charset' must be a character set that this machine knows (iconv -l lists them)\n"},
    {"delimiter = \"|\"", "delimiter = \"|\" charset = \"../x\"",
     "15: 'charset' must be a character set that this machine knows (iconv -l lists them)\n"},
    {"delimiter = \"|\"", "delimiter = \"|\" type = slanted lines-by = magic line-limit = \"1K5\"",
     "15: 'type' must be one of: delimited, fixed\n"
     "15: 'lines-by' must be one of: tag, position\n"
     "15: 'line-limit' must be a size like \"64K\", \"512M\" or \"4G\" from 64 to 1M\n"},
    {"delimiter = \"|\"", "delimiter = '\"' quote = rfc4180", "15: 'delimiter' holds the quote of quote = rfc4180\n"},
    {"field \"member\" {}", "field \"1st\" {}",
     "17: a field's name must be 1 to 64 letters, digits or _, not beginning with a digit: rules use it as a column\n"
     "32: 'account': the record of layout \"points\" has no field \"member\"\n"},
    {"field \"member\" {}", "field \"REF\" {}",
     "17: field \"ref\" differs from another field of this line by upper and lower case only\n"
     "32: 'account': the record of layout \"points\" has no field \"member\"\n"},
    {"field \"member\" {}",
     "field \"member\" { width = 0 scale = 2 format = \"%Y\" values = { \"a\" } control = count }",
     "17: 'width' must be a whole number from 1 to 65536\n"
     "17: 'format' is for type = date or timestamp\n"
     "17: 'scale' is for type = decimal\n"
     "17: 'values' is for type = enumeration\n"
     "17: 'control' is for fields of the trailer or header: a record does not count itself\n"},
    {"field \"member\" {}", "field \"member\" { type = enumeration }",
     "17: 'values' is missing in field \"member\": what the field may hold\n"
     "32: 'account': field \"member\" must be text or integer\n"},
    {"field \"member\" {}", "field \"member\" { type = decimal }",
     "17: 'scale' is missing in field \"member\": how many digits stand behind the point\n"
     "32: 'account': field \"member\" must be text or integer\n"},
    {"field \"member\" {}", "field \"header_day\" {} field \"member\" { optional = perhaps }",
     "17: 'optional' must be yes or no\n"
     "17: field \"header_day\" has the name by which rules call the header's \"day\"\n"},
    {"control = count", "control = \"total(points)\"",
     "18: 'control' must be count or \"sum(FIELD)\" (or debits, credits, gross, net, debit-count or credit-count of "
     "it), or of the lines of a tag, \"count(TAG, …)\" or \"sum(FIELD, TAG, …)\"\n"},
    {"type = integer control = count", "control = count",
     "18: a field with control = count must have type = integer\n"},
    {"sum(points)", "sum(point)",
     "18: field \"total\": the record has no field \"point\" to sum; did you mean \"points\"?\n"},
    {"sum(points)", "sum(member)",
     "18: field \"total\": \"member\" cannot be summed, it is neither integer nor decimal\n"},
    {"trailer \"T\"", "trailer \"D\"", "18: the tag \"D\" stands for two kinds of line\n"},
    {"trailer \"T\"", "trailer",
     "18: lines are told apart by their tag, and this one has none: write it behind the name, as record \"D\" { … }, "
     "or set lines-by = position\n"},
    {"header \"H\" { field \"day\" { type = date } }", "header \"H\" {}", "16: this header has no fields\n"},
    {"delimiter = \"|\"", "delimiter = \"|\" lines-by = position",
     "16: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"
     "17: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"
     "18: warning: the tag is not looked at with lines-by = position; where the lines do begin with it, it needs a "
     "field of its own\n"},
};

static void every_value_out_of_its_kind_or_range_is_told_at_its_line(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_value_out_of_its_kind_or_range_is_told_at_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
