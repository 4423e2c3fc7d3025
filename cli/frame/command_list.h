/* SPDX-License-Identifier: MIT */
/* The commands, in the order of `clipspan help`: a heading stands for a folder of cli/ (Help for
 * frame), a command for the file of its name in it. */
#ifndef CLIPSPAN_CLI_COMMAND_LIST_H
#define CLIPSPAN_CLI_COMMAND_LIST_H

#define CLI_COMMANDS(HEADING, COMMAND)                                                             \
    HEADING("Demo")                                                                                \
    COMMAND(demo)                                                                                  \
    HEADING("Model")                                                                               \
    COMMAND(info)                                                                                  \
    COMMAND(embed)                                                                                 \
    COMMAND(classify)                                                                              \
    COMMAND(pixels)                                                                                \
    COMMAND(tokens)                                                                                \
    HEADING("Run")                                                                                 \
    COMMAND(scan)                                                                                  \
    COMMAND(plan)                                                                                  \
    COMMAND(merge)                                                                                 \
    COMMAND(status)                                                                                \
    COMMAND(extend)                                                                                \
    HEADING("Atlas")                                                                               \
    COMMAND(atlas)                                                                                 \
    COMMAND(span)                                                                                  \
    COMMAND(roles)                                                                                 \
    COMMAND(report)                                                                                \
    COMMAND(export)                                                                                \
    HEADING("Effects")                                                                             \
    COMMAND(effects)                                                                               \
    COMMAND(ablate)                                                                                \
    COMMAND(shortcut)                                                                              \
    COMMAND(surgery)                                                                               \
    HEADING("Edit")                                                                                \
    COMMAND(edit)                                                                                  \
    COMMAND(prune)                                                                                 \
    HEADING("Visual")                                                                              \
    COMMAND(heatmap)                                                                               \
    COMMAND(explain)                                                                               \
    COMMAND(segment)                                                                               \
    COMMAND(search)                                                                                \
    HEADING("Reproduce")                                                                           \
    COMMAND(reproduce)                                                                             \
    HEADING("Help")                                                                                \
    COMMAND(help)                                                                                  \
    COMMAND(version)

#endif
