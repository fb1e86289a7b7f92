// SPDX-License-Identifier: EUPL-1.2
// catching_up.h - integrate requests that catch up (flow/catch_up.h): the journal is searched
// for their persons, a slice in each turn of the loop, and then the request is proposed.
//
// A request in which nobody is to be searched for is proposed at once. One that has to wait may
// be overtaken by later ones of its connection. Thread: event loop.
#ifndef EDGE_CATCHING_UP_H
#define EDGE_CATCHING_UP_H

#include "edge/broker.h"

// catching_up_propose proposes an integrate request, at once or after the search.
// Takes: command.
void catching_up_propose(struct broker *broker, struct command **command);

// catching_up_end forgets all requests that are searched for: nobody is answered any more.
void catching_up_end(struct broker *broker);

#endif
