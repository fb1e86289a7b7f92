// SPDX-License-Identifier: EUPL-1.2
// merging.h - institutions become part of another one, as the loop sees it (flow/merge.h):
// their sessions end and their keys are told where to go; the letters they left are moved in
// slices. Thread: event loop.
#ifndef EDGE_MERGING_H
#define EDGE_MERGING_H

#include "edge/broker.h"

// merging_watch sees that a merger of today is carried out, also while nobody publishes, and
// asks for slices as long as letters are left. Call it once a second.
void merging_watch(struct broker *broker);

// merging_answered takes a slice's answer, and proposes the next one at once when there is
// more to move.
void merging_answered(struct broker *broker, const struct command *command);

// merging_renewed ends the sessions of institutions that are part of another one in the
// roster that has just come.
void merging_renewed(struct broker *broker);

// merging_dismisses tells a session of such an institution so; true: it is leaving.
bool merging_dismisses(struct broker *broker, struct session *session);

#endif
