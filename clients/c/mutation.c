// SPDX-License-Identifier: EUPL-1.2
#include "mutation.h"

#include "error.h"

_Static_assert((int)VG_FIELDS_MAX == (int)HOT_FIELDS_MAX, "one limit, two names");

enum {
    MUTATION_HEAD_BYTES = 4, // tag and length around a Mutation of the largest size
    // At most, in a Mutation and around it: its numbers with their tags, and the tags and
    // lengths of its texts; then those of one field.
    FIXED_BYTES_MAX = 128,
    FIELD_FIXED_BYTES_MAX = 12,
};

static struct hot_bytes
hot_view(struct vg_bytes bytes)
{
    return (struct hot_bytes){(const uint8_t *)bytes.at, bytes.len};
}

static struct vg_bytes
public_view(struct hot_bytes bytes)
{
    return (struct vg_bytes){(const char *)bytes.at, bytes.len};
}

static enum vg_status
check_out_fields(const struct vg_mutation *mutation, struct hot_mutation *hot,
                 size_t *size_max, struct vg_error *error)
{
    for (size_t i = 0; i < mutation->fields_len; i++) {
        const struct vg_field *field = &mutation->fields[i];

        if (field->code.len == 0) {
            return vg_fail(error, VG_MALFORMED, "field %zu has no code", i + 1);
        }
        if (field->code.len > HOT_CODE_BYTES_MAX ||
            field->value.len > HOT_VALUE_BYTES_MAX) {
            return vg_fail(error, VG_TOO_LARGE,
                           "field %zu: at most %d bytes of code and %d of value", i + 1,
                           HOT_CODE_BYTES_MAX, HOT_VALUE_BYTES_MAX);
        }
        hot->fields[i].code = hot_view(field->code);
        hot->fields[i].value = hot_view(field->value);
        *size_max += FIELD_FIXED_BYTES_MAX + field->code.len + field->value.len;
    }
    hot->fields_len = (uint32_t)mutation->fields_len;
    return VG_OK;
}

enum vg_status
vg_mutation_check_out(const struct vg_mutation *mutation, struct hot_mutation *ret_hot,
                      size_t *ret_size_max, struct vg_error *error)
{
    size_t size_max = FIXED_BYTES_MAX + mutation->flow.len + mutation->id.len +
                      mutation->recipient.len + mutation->replaces.len +
                      mutation->cancels.len + mutation->answers.len;
    enum vg_status status;

    if (mutation->flow.len == 0) {
        return vg_fail(error, VG_MALFORMED, "the mutation names no flow");
    }
    if (mutation->fields_len > HOT_FIELDS_MAX) {
        return vg_fail(error, VG_TOO_MANY, "%zu fields; at most %d", mutation->fields_len,
                       HOT_FIELDS_MAX);
    }
    if (mutation->id.len > HOT_ID_BYTES_MAX) {
        return vg_fail(error, VG_TOO_LARGE, "id: at most %d bytes", HOT_ID_BYTES_MAX);
    }
    ret_hot->flow = hot_view(mutation->flow);
    ret_hot->id = hot_view(mutation->id);
    ret_hot->recipient = hot_view(mutation->recipient);
    ret_hot->replaces = hot_view(mutation->replaces);
    ret_hot->cancels = hot_view(mutation->cancels);
    ret_hot->answers = hot_view(mutation->answers);
    ret_hot->niss = mutation->niss;
    ret_hot->new_niss = mutation->new_niss;
    ret_hot->enterprise = mutation->enterprise;
    ret_hot->occurred = mutation->occurred;
    ret_hot->period_begin = mutation->period_begin;
    ret_hot->period_end = mutation->period_end;
    ret_hot->reference_year = mutation->reference_year;
    status = check_out_fields(mutation, ret_hot, &size_max, error);
    if (status == VG_OK && size_max > HOT_MUTATION_BYTES_MAX &&
        hot_mutation_size(ret_hot) > HOT_MUTATION_BYTES_MAX + MUTATION_HEAD_BYTES) {
        status = vg_fail(error, VG_TOO_LARGE, "a mutation has at most %d bytes",
                         HOT_MUTATION_BYTES_MAX);
    }
    *ret_size_max = size_max;
    return status;
}

enum vg_status
vg_notification_check_in(const struct hot_notification *hot, struct hot_content *scratch,
                         struct vg_notification *ret_notification)
{
    if (hot_read_content(hot->content, scratch) != HOT_OK) {
        return VG_MALFORMED;
    }
    *ret_notification = (struct vg_notification){
        .mailbox = hot->mailbox,
        .number = hot->number,
        .ticket = scratch->ticket,
        .niss = scratch->mutation.niss,
        .enterprise = scratch->mutation.enterprise,
        .attempt = hot->attempt,
        .kept_at_us = scratch->kept_at_us,
        .flow = public_view(scratch->mutation.flow),
        .source = public_view(scratch->source),
        .current_niss = scratch->mutation.current_niss,
        .withheld = scratch->withheld,
        .caught_up = scratch->mutation.caught_up,
        .lost = scratch->mutation.lost,
        .merged_len = (uint32_t)hot_merged_len(hot->merged),
        .merged = public_view(hot->merged),
        .again = hot->again,
        .justified = hot->justified,
        .quality = hot->quality,
        .begin = hot->begin,
        .end = hot->end,
        .content = public_view(hot->content),
        .id = public_view(scratch->mutation.id),
    };
    return VG_OK;
}

uint64_t
vg_notification_merged(const struct vg_notification *notification, uint32_t i)
{
    return hot_merged(hot_view(notification->merged), i);
}

enum vg_status
vg_notification_mutation(const struct vg_notification *notification,
                         struct vg_mutation *ret_mutation)
{
    struct hot_content content;
    const struct hot_mutation *hot = &content.mutation;

    if (hot_read_content(hot_view(notification->content), &content) != HOT_OK) {
        return VG_MALFORMED;
    }
    ret_mutation->flow = public_view(hot->flow);
    ret_mutation->id = public_view(hot->id);
    ret_mutation->recipient = public_view(hot->recipient);
    ret_mutation->replaces = public_view(hot->replaces);
    ret_mutation->cancels = public_view(hot->cancels);
    ret_mutation->answers = public_view(hot->answers);
    ret_mutation->niss = hot->niss;
    ret_mutation->new_niss = hot->new_niss;
    ret_mutation->enterprise = hot->enterprise;
    ret_mutation->occurred = hot->occurred;
    ret_mutation->period_begin = hot->period_begin;
    ret_mutation->period_end = hot->period_end;
    ret_mutation->reference_year = hot->reference_year;
    ret_mutation->fields_len = hot->fields_len;
    for (uint32_t i = 0; i < hot->fields_len; i++) {
        ret_mutation->fields[i] = (struct vg_field){public_view(hot->fields[i].code),
                                                    public_view(hot->fields[i].value)};
    }
    return VG_OK;
}
