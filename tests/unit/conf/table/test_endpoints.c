/* Endpoints of all schemes, inner systems, and how partners show who they are. */
#include "tests/unit/conf/parse.h"

/* An endpoint more for the partner, on line 8, before the right one. */
#define HERE "  endpoint \"main\" {"
#define ENDPOINT(options) "  endpoint \"other\" { " options " } endpoint \"main\" {"
#define PIN "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const Row rows[] = {
    {HERE, ENDPOINT("url = \"ftp://gw@ftp.example\" password-file = \"/p\""), ""},
    {HERE,
     ENDPOINT("url = \"ftps://gw@ftp.example\" password-file = \"/p\" ca-file = \"/ca\" tls-key = { \"" PIN
              "\" } listing-time-zone = \"Asia/Shanghai\""),
     ""},
    {HERE,
     ENDPOINT("url = \"https://api.example/base\" token-file = \"credential:token\" certificate-file = \"/c\" "
              "private-key-file = \"/k\" passphrase-file = \"/p\""),
     ""},
    {HERE, ENDPOINT("url = \"https://gw@api.example\" password-file = \"/p\""), ""},
    {HERE, ENDPOINT("url = \"https://api.example\""), ""},
    {HERE, ENDPOINT("url = \"http://127.0.0.1:8080\" clear-text = yes"), ""},
    {HERE, ENDPOINT("url = \"http://127.0.0.1:8080\""),
     "8: 'url': http:// is not encrypted; use https://, or say with clear-text = yes that it is meant\n"},
    {HERE, ENDPOINT("url = \"http://127.0.0.1:8080\" clear-text = yes token-file = \"/t\""),
     "8: warning: 'token-file': it is sent without encryption, and everyone on the way can read it\n"},
    {HERE, ENDPOINT("url = \"ftp://gw@ftp.example\" password-file = \"/p\" clear-text = yes"),
     "8: warning: 'password-file': it is sent without encryption, and everyone on the way can read it\n"},
    {HERE, ENDPOINT("url = \"ftp://gw@ftp.example\" password-file = \"/p\" clear-text = yes ca-file = \"/ca\""),
     "8: 'ca-file' is for TLS, which clear-text = yes turns off\n"
     "8: warning: 'password-file': it is sent without encryption, and everyone on the way can read it\n"},
    {HERE, ENDPOINT("url = \"ftps://gw@ftp.example\" password-file = \"/p\" clear-text = yes"),
     "8: 'clear-text' has no meaning with ftps://\n"
     "8: warning: 'password-file': it is sent without encryption, and everyone on the way can read it\n"},
    {HERE, ENDPOINT("url = \"ftp://ftp.example\""),
     "8: 'url': the URL needs the user to log in as: sftp://user@host\n"},
    {HERE, ENDPOINT("url = \"ftps://gw@ftp.example\""),
     "8: 'password-file' is missing in endpoint \"other\": the password to log in with\n"},
    {HERE, ENDPOINT("url = \"ftps://gw:hunter2@ftp.example\""),
     "8: 'url': the URL holds a password: put it into a file that only the gateway can read, and name that with "
     "password-file\n"},
    {HERE, ENDPOINT("url = \"https://gw:hunter2@api.example/x\""),
     "8: 'url': the URL holds a password: put it into a file that only the gateway can read, and name that with "
     "password-file\n"},
    {HERE, ENDPOINT("url = \"https://gw@api.example\""),
     "8: 'password-file' is missing in endpoint \"other\": the password of the URL's user\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" password-file = \"/p\""),
     "8: 'password-file' needs the user in the URL: https://user@host\n"},
    {HERE, ENDPOINT("url = \"https://gw@api.example\" password-file = \"/p\" token-file = \"/t\""),
     "8: 'token-file' and 'password-file' exclude each other\n"},
    {HERE, ENDPOINT("url = \"https://api.example/a/../b\""),
     "8: 'url': the URL's path must be plain: letters, digits, - . _ ~ / and percent-encoded others, without '..', '?' "
     "and '#'\n"},
    {HERE, ENDPOINT("url = \"https://api.example/a/%2e%2e/b\""),
     "8: 'url': the URL's path must be plain: letters, digits, - . _ ~ / and percent-encoded others, without '..', '?' "
     "and '#'\n"},
    {HERE, ENDPOINT("url = \"https://api.example/a?token=hunter2\""),
     "8: 'url': the URL's path must be plain: letters, digits, - . _ ~ / and percent-encoded others, without '..', '?' "
     "and '#'\n"},
    {HERE, ENDPOINT("url = \"https://api.example/a%zz\""),
     "8: 'url': the URL's path must be plain: letters, digits, - . _ ~ / and percent-encoded others, without '..', '?' "
     "and '#'\n"},
    {HERE, ENDPOINT("url = \"ftpes://gw@ftp.example\""),
     "8: 'url': FTP that is secured by AUTH TLS is written ftp:// here\n"},
    {HERE,
     ENDPOINT("url = \"https://api.example\" host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" } "
              "listing-time-zone = \"UTC\""),
     "8: 'host-key' has no meaning with https://\n"
     "8: 'listing-time-zone' has no meaning with https://\n"},
    {HERE, ENDPOINT("url = \"file:///srv\" tls-key = { \"" PIN "\" } clear-text = no"),
     "8: 'clear-text' has no meaning with file://\n"
     "8: 'tls-key' has no meaning with file://\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" tls-key = { \"sha256//AAAA\" }"),
     "8: 'tls-key' must be as curl pins keys: sha256// and the SHA-256 of the public key in base 64, 44 digits\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" tls-key = { \"" PIN "\", \"" PIN "\", \"" PIN "\" }"),
     "8: 'tls-key' has 3 values; 2 are the most\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" certificate-file = \"/c\""),
     "8: 'private-key-file' is missing in endpoint \"other\": the private key of certificate-file\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" private-key-file = \"/k\""),
     "8: 'certificate-file' is missing in endpoint \"other\": the certificate of private-key-file\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" passphrase-file = \"/p\""),
     "8: 'passphrase-file' is for the private key of private-key-file, which is not there\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" token-file = \"token\" ca-file = \"credential:a/b\""),
     "8: 'token-file' must be an absolute path without '..'\n"
     "8: 'ca-file': behind credential: stands the name that the service's LoadCredential= has for it\n"},
    {HERE, ENDPOINT("url = \"https://api.example\" listing-time-zone = \"Mars/Base\""),
     "8: 'listing-time-zone' has no meaning with https://\n"
     "8: 'listing-time-zone' must be a zone that this machine knows, as \"Asia/Shanghai\" or \"UTC\"\n"},

    /* What is made of folders is not asked of HTTP, and the other way round. */
    {"url = \"sftp://gw@sftp.example:22\"\n    host-key = { \"SHA256:NWWIVOYrhFw5XY1WxmzuV5EpCv9mEKOAwSJIA6kuGbs\" }\n "
     "   identity-file = \"/etc/key\"",
     "url = \"https://api.example\"",
     "24: endpoint \"main\" of partner \"bank\" is https://, and this needs folders: sftp://, ftp://, ftps://, "
     "mailbox:// or file://\n"
     "32: endpoint \"main\" of partner \"bank\" is https://, and this needs folders: sftp://, ftp://, ftps://, "
     "mailbox:// or file://\n"},

    {"node {", "system \"core\" { endpoint \"api\" { url = \"https://core.example\" } } node {", ""},
    {"node {", "system \"core\" {} node {", "1: system \"core\" has no endpoint\n"},
    {"node {", "system \"bank\" { endpoint \"api\" { url = \"https://core.example\" } } node {",
     "1: system \"bank\" has the name of a partner\n"},
    {"node {", "system \"core\" { openpgp { } endpoint \"api\" { url = \"https://core.example\" } } node {",
     "1: 'openpgp' does not stand in system \"core\" but in partner\n"},
    {"partner = \"bank\"", "partner = \"banks\"", "22: there is no partner \"banks\"; did you mean \"bank\"?\n"},
    {"node {",
     "system \"banks\" { endpoint \"api\" { url = \"https://core.example\" } } partner \"banc\" { access { "
     "token-sha256 = { \"" DIGEST "\" } } } node {",
     ""},

    {"node {",
     "partner \"other\" { access { token-sha256 = { \"" DIGEST "\" } certificate-sha256 = { \"" DIGEST
     "\" } } } node {",
     ""},
    {"node {", "partner \"other\" { } node {", "1: partner \"other\" has no endpoint\n"},
    {"node {", "partner \"other\" { access { } } node {",
     "1: 'token-sha256' is missing in access: the digest of the token that shows who asks (or certificate-sha256)\n"},
    {"node {", "partner \"other\" { access { token-sha256 = { \"hunter2\" } } } node {",
     "1: 'token-sha256' must hold SHA-256 digests, 64 hexadecimal digits each\n"},
    {"node {",
     "partner \"one\" { access { token-sha256 = { \"" DIGEST
     "\" } } } partner \"two\" { access { token-sha256 = { \"" DIGEST "\" } } } node {",
     "1: partner \"one\" (test.conf:1) has the same token: the front could not tell the two apart\n"},
};

static void what_an_endpoint_or_system_says_wrongly_is_told(void **state) {
  (void)state;
  check_rows(rows, G_N_ELEMENTS(rows));
}

static void check_url(const char *options, ConfScheme scheme, const char *user, const char *host, guint port,
                      const char *folder) {
  g_autofree char *with = g_strdup_printf("  endpoint \"other\" { %s } endpoint \"main\" {", options);
  Conf *conf = build_with(HERE, with);
  const ConfEndpoint *endpoint = conf_endpoint(conf_partner(conf, "bank"), "other");
  assert_int_equal(endpoint->scheme, scheme);
  assert_int_equal(g_strcmp0(endpoint->user, user), 0);
  assert_int_equal(g_strcmp0(endpoint->host, host), 0);
  assert_int_equal(endpoint->port, port);
  if (g_strcmp0(endpoint->folder, folder) != 0)
    fail_msg("%s", endpoint->folder);
  conf_free(conf);
}

static void each_scheme_has_its_port_and_parts(void **state) {
  (void)state;
  check_url("url = \"ftp://gw@ftp.example\" password-file = \"/p\"", CONF_URL_FTP, "gw", "ftp.example", 21, NULL);
  check_url("url = \"ftps://gw%40x@[2001:db8::1]\" password-file = \"/p\"", CONF_URL_FTPS, "gw@x", "2001:db8::1", 990,
            NULL);
  check_url("url = \"ftps://gw@ftp.example:991/\" password-file = \"/p\"", CONF_URL_FTPS, "gw", "ftp.example", 991,
            NULL);
  check_url("url = \"https://api.example\"", CONF_URL_HTTPS, NULL, "api.example", 443, NULL);
  check_url("url = \"https://api.example/\"", CONF_URL_HTTPS, NULL, "api.example", 443, NULL);
  check_url("url = \"https://gw@api.example:8443/v1//x%20y/\" password-file = \"/p\"", CONF_URL_HTTPS, "gw",
            "api.example", 8443, "/v1/x%20y");
  check_url("url = \"mailbox://gw.example\" token-file = \"/t\"", CONF_URL_MAILBOX, NULL, "gw.example", 443, NULL);
  check_url("url = \"http://[::1]:80/a\" clear-text = on", CONF_URL_HTTP, NULL, "::1", 80, "/a");
}

static void partners_and_systems_are_looked_up_apart(void **state) {
  (void)state;
  Conf *conf = build_with("node {", "system \"core\" { endpoint \"api\" { url = \"https://core.example\" } } node {");
  assert_null(conf_partner(conf, "core"));
  assert_null(conf_system(conf, "bank"));
  assert_non_null(conf_partner(conf, "bank"));
  const ConfPartner *core = conf_system(conf, "core");
  assert_true(core->is_system);
  assert_null(core->openpgp.where.file);
  assert_non_null(conf_endpoint(core, "api"));
  conf_free(conf);
}

static void digests_are_kept_in_lower_case(void **state) {
  (void)state;
  Conf *conf = build_with("node {",
                          "partner \"other\" { access { token-sha256 = { "
                          "\"ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\" } } } node {");
  assert_string_equal(conf_partner(conf, "other")->access.token_sha256[0],
                      "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
  conf_free(conf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_an_endpoint_or_system_says_wrongly_is_told),
      cmocka_unit_test(each_scheme_has_its_port_and_parts),
      cmocka_unit_test(partners_and_systems_are_looked_up_apart),
      cmocka_unit_test(digests_are_kept_in_lower_case),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
