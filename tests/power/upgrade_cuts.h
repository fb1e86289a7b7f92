// SPDX-License-Identifier: EUPL-1.2
// upgrade_cuts.h - the power goes while a store of an older schema is opened.
#ifndef POWER_UPGRADE_CUTS_H
#define POWER_UPGRADE_CUTS_H

// upgrade_cuts opens a copy of the store in this folder. Whatever a cut leaves must open as
// well and then be, row by row, what the upgraded store is.
void upgrade_cuts(const char *folder);

#endif
