/* sci token: API keys. A key is shown once, when it is made; only its hash is stored. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "store/store.h"

static const char usage[] =
    "Usage: sci token create --role ROLE --name NAME [-c FILE]\n"
    "       sci token list [-c FILE]\n"
    "       sci token revoke --name NAME [-c FILE]\n\n"
    "API keys, in the database of the configuration; the service need not run. A running service honours a "
    "new\n"
    "key at once and a revoked one no longer after a few seconds.\n\n"
    "      --role ROLE    viewer (look), operator (+ acknowledge, resolve, comment), admin (+ streams, "
    "configuration)\n"
    "      --name NAME    who holds it: what is done with the key is done in this name\n"
    "  -c, --config FILE  the configuration (default: config/sci.yaml if it is there, else the defaults)\n"
    "      --help         print this\n\n"
    "The new key is the last line of what `create` prints, and is never shown again.\n\n"
    "Example: sci token create --role operator --name 'control room 1' -c config/demo.yaml\n";

struct options {
    const char *action, *config, *role, *name;
    bool help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
                                          {"role", required_argument, NULL, 'r'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, ":c:", names, NULL)) != -1;) {
        if (c == 'c')
            o->config = optarg;
        else if (c == 'r')
            o->role = optarg;
        else if (c == 'n')
            o->name = optarg;
        else if (c == 'h')
            o->help = true;
        else
            return cli_bad_option("token", c, argv);
    }
    if (o->help)
        return EXIT_DONE;
    if (optind >= argc)
        return cli_usage("token: create, list or revoke? (sci token --help)");
    o->action = argv[optind];
    return optind + 1 < argc ? cli_usage("token: unexpected argument '%s'", argv[optind + 1]) : EXIT_DONE;
}

static bool name_is_fit(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n >= ID_SIZE || !text_is_utf8(name, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    return true;
}

static int create(const struct store_handle *store, const struct options *o, enum role role,
                  struct error *error)
{
    char key[SECRET_KEY_TEXT];
    struct api_key row = {.role = role, .created_ns = clock_wall_ns()};
    text_copy(row.name, sizeof row.name, o->name);
    secret_new_key(key);
    secret_hash_key(key, row.hash);
    int result = store->kind->put_key(store->store, &row, error);
    if (result < 0)
        return result;
    (void)printf("API key of %s (%s); it is shown only now:\n%s\n", row.name, role_name(role), key);
    return 0;
}

static int print_key(void *user, const struct api_key *key)
{
    char time[TIME_TEXT_SIZE];
    (void)user;
    (void)printf("%-24s %-9s made %s", key->name, role_name(key->role), time_format(key->created_ns, time));
    if (key->revoked_ns)
        (void)printf(", revoked %s", time_format(key->revoked_ns, time));
    (void)fputs("\n", stdout);
    return 0;
}

static int open_store(const struct options *o, struct store_handle *store, struct error *error)
{
    struct config *config = NULL;
    const char *path = o->config                              ? o->config
                       : access("config/sci.yaml", R_OK) == 0 ? "config/sci.yaml"
                                                              : NULL;
    char folder[4096];
    int result = config_load(path, &config, NULL, error);
    if (result < 0)
        return result;
    text_copy(folder, sizeof folder, config->store.path);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        result = file_make_dirs(folder, error);
    }
    store->kind = &store_sqlite;
    if (result == 0)
        result = store->kind->open(config->store.path, &store->store, error);
    config_unref(&config);
    return result;
}

static int run(const struct options *o, enum role role, struct error *error)
{
    struct store_handle store = {0};
    int result = secret_init(error);
    if (result == 0)
        result = open_store(o, &store, error);
    if (result < 0)
        return result;
    if (strcmp(o->action, "create") == 0)
        result = create(&store, o, role, error);
    else if (strcmp(o->action, "list") == 0)
        result = store.kind->read_keys(store.store, print_key, NULL, error);
    else
        result = store.kind->revoke_key(store.store, o->name, clock_wall_ns(), error);
    store.kind->close(&store.store);
    return result;
}

int cli_token(int argc, char **argv)
{
    struct options o = {0};
    struct error error;
    enum role role = ROLE_NONE;
    int usage_result = parse_options(argc, argv, &o);
    if (usage_result != EXIT_DONE)
        return usage_result;
    if (o.help) {
        (void)fputs(usage, stdout);
        return cli_finish_output();
    }
    bool creates = strcmp(o.action, "create") == 0, lists = strcmp(o.action, "list") == 0;
    if (!creates && !lists && strcmp(o.action, "revoke") != 0)
        return cli_usage("token: %s: expected create, list or revoke", o.action);
    if (!lists && (!o.name || !name_is_fit(o.name)))
        return cli_usage("token %s: --name NAME: one line of 1 to %d bytes", o.action, ID_SIZE - 1);
    if (creates && (!o.role || role_parse(o.role, &role) < 0 || role == ROLE_NONE))
        return cli_usage("token create: --role: expected viewer, operator or admin");
    return run(&o, role, &error) < 0 ? cli_fail(&error) : cli_finish_output();
}
