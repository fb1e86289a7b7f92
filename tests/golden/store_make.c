// SPDX-License-Identifier: EUPL-1.2
// store_make.c - makes a golden store by the broker's own apply: store_make FOLDER
//
// FOLDER must be there and empty: what a program once wrote stays as it was. A new schema
// gets a new folder (store_2), and store_1 stays.
#include <stdio.h>

#include "../unit/flow_fixture.h"
#include "store_dump.h"

static void
apply_all_well(struct flow_fixture *f, struct command *command)
{
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static void
add_keys(struct flow_fixture *f)
{
    for (uint8_t fill = 1; fill <= 3; fill++) {
        struct command *command = flow_command(f, COMMAND_ADD_KEY, 0);

        memset(command->key.key, fill * 0x11, KEY_LEN);
        command->key.row.institution = fill == 1 ? RN : CPAS_A;
        command->key.row.role = fill == 1 ? ROLE_SOURCE : ROLE_OPERATOR;
        snprintf(command->key.row.label, KEY_LABEL_LEN, "key %d", fill);
        apply_all_well(f, command);
    }

    struct command *command = flow_command(f, COMMAND_REVOKE_KEY, 0);

    memset(command->key.key, 0x33, KEY_LEN);
    apply_all_well(f, command);
}

static void
add_mailbox(struct flow_fixture *f)
{
    struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);

    command->add_mailbox.name = bytes_of("addresses");
    command->add_mailbox.choices = xcalloc(1, sizeof(struct choice_request));
    command->add_mailbox.choices_len = 1;
    command->add_mailbox.choices[0] =
        (struct choice_request){bytes_of("notifyPerson"), UINT64_C(1) << 2};
    apply_all_well(f, command);
}

static void
follow_persons(struct flow_fixture *f)
{
    for (int person = 1; person <= 4; person++) {
        flow_follow(f, CPAS_A, person, 2);
    }
    flow_follow(f, CPAS_B, 1, 30); // a debtor: not field 150
    flow_follow(f, CPAS_B, 5, 2);

    struct command *command = flow_command(f, COMMAND_REMOVE, CPAS_A);

    command->remove.institution = CPAS_A;
    command->remove.request = (struct remove_request){
        .niss = flow_person(4).number, .quality = 2, .begin = 20261101};
    apply_all_well(f, command);
    command = flow_command(f, COMMAND_CONSULT, CPAS_A);
    command->consult.niss = flow_person(1).number;
    command->consult.proof.birth_date = (uint32_t)niss_birth(flow_person(1)).year * 10000;
    apply_all_well(f, command);
}

static void
publish(struct flow_fixture *f, uint64_t first, size_t len)
{
    struct hot_mutation mutations[64];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(1 + (int)(first + i) % 3);
    }
    apply_all_well(f, flow_publish(f, RN, 1, first, mutations, len));
}

// Two of three are refused, and their numbers remembered.
static void
publish_mistakes(struct flow_fixture *f)
{
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(2),
                                        flow_mutation("noSuchFlow", flow_person(1))};

    mutations[0].niss++; // its check digits do not fit
    apply_all_well(f, flow_publish(f, RN, 2, 1, mutations, 3));
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through, uint64_t single)
{
    static struct letter letters[200];
    size_t len = flow_letters(f, mailbox, 1, letters, 200);
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);

    // Those that were acknowledged before may be gone.
    const struct letter *first = letters - (letters[0].number - 1) - 1;

    assert_true(single <= letters[len - 1].number);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = first[through].bytes_through;
    command->acknowledge.singles = xcalloc(1, sizeof(struct acknowledge_single));
    command->acknowledge.singles_len = 1;
    command->acknowledge.singles[0] = (struct acknowledge_single){
        single, first[single].bytes_through, first[single].size};
    apply_all_well(f, command);
}

static void
fold(struct flow_fixture *f)
{
    apply_all_well(f, flow_command(f, COMMAND_FOLD, 0));
}

// The first number of person 3 is replaced by that of person 9.
static void
replace_person(struct flow_fixture *f)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(3));

    mutation.new_niss = flow_person(9).number;
    apply_all_well(f, flow_publish_one(f, BIS, 1, mutation));
}

static void
add_full_institution(struct flow_fixture *f)
{
    struct command *command = flow_add_institution(f, "CPAS-21004", SECTOR_CPAS);
    struct institution *institution = &command->add_institution.institution;

    institution->number = 21004;
    institution->enterprise = 403019261;
    snprintf(institution->name, sizeof institution->name, "CPAS de Bruxelles-Capitale");
    apply_all_well(f, command);
}

static void
live(struct flow_fixture *f)
{
    add_full_institution(f);
    add_keys(f);
    add_mailbox(f);
    follow_persons(f);
    publish(f, 1, 60);
    publish_mistakes(f);
    acknowledge(f, CPAS_A, 10, 15);
    fold(f);
    publish(f, 61, 50); // a second row of the backlog begins
    fold(f);
    replace_person(f);
    publish(f, 111, 6); // these wait in the newest commits
    acknowledge(f, CPAS_A, 12, 30);
    acknowledge(f, MAILBOX_EXTRA_FIRST, 5, 9);
}

// ---- writing it down ----

static const char *folder;

static void
write_values(struct flow_fixture *f)
{
    struct buffer text = {0};
    char path[4096];
    FILE *file;

    store_dump(flow_view(f), &text);
    snprintf(path, sizeof path, "%s/values.txt", folder);
    file = fopen(path, "wx");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    buffer_free(&text);
}

// Without the pages that are free: LMDB refuses a file that is there.
static void
write_file(struct flow_fixture *f)
{
    MDB_env *env;

    flow_close_store(f);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, f->path, MDB_RDONLY, 0600), 0);

    int rc = mdb_env_copy2(env, folder, MDB_CP_COMPACT);

    mdb_env_close(env);
    flow_open_store(f);
    if (rc != 0) {
        fail_msg("%s: %s", folder, mdb_strerror(rc));
    }
}

static void
makes_a_store_and_tells_its_values(void **state)
{
    live(*state);
    write_file(*state);
    write_values(*state);
}

// As a test: the hands of the fixture need one to fail in.
int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {FLOW_TEST(makes_a_store_and_tells_its_values)};

    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    folder = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
