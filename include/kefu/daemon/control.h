/* The control socket: how kefuctl asks the running daemon.
 *
 * A unix stream socket STATE/control.sock, mode 0600: who may open it may do all of this. A request is one line of JSON
 * {"do": NAME, …}, the answer one line {"ok": true, …} or {"ok": false, "error": "what, where, what to do"}; any number of
 * requests one after the other. Requests over 64 KiB or that are no JSON are answered with an error and the end.
 *
 *   {"do":"status"}          version, pid, demo, state, uptime_ms, ready, rulebook, period, as_of, counts (events, conversations,
 *                            open, waiting, agents, orders, quarantined), journal {last_seq, set_aside (events)}, damage {found,
 *                            looks, where, last}, checkpoint {seq, at, busy, unsaved, in_memory}, redis {state, backlog}, streams
 *                            [{stream, state, position, entries, lost, dead, claimed, error}] if any are read, sources
 *                            [{source, events, last_ts}], http {address, port}, ingest_socket, redis_address, prefix
 *   {"do":"agent","agent":ID}                     what Redis shows of an agent plus figures of today and of the month
 *   {"do":"agents"}                               all agents' snapshots, best score first
 *   {"do":"report","by":"month"|"day"}            the report of SPEC.md under "report" (as_of: now)
 *   {"do":"quarantine","limit":N}                 newest first: row, at, kind, way, id, reason, bytes, event (if it parsed)
 *   {"do":"quarantine_retry"[,"row":N]}           one or all that can be tried again: accepted, duplicate, rejected
 *   {"do":"token_add","role":R[,"subject":S][,"sources":[…]][,"days":N]}   {"token": T, "id": I}: shown this once
 *   {"do":"token_list"}, {"do":"token_revoke","id":I}
 *   {"do":"month_list"}                           head, months [{month, state, version, closed}], the newest first
 *   {"do":"month_draft","month":M}                the month as it would be closed now: status, as_of, fcr_pending, bonus_fen, rows
 *   {"do":"month_close","month":M,"actor":A[,"reason":R][,"force":true]}   {done, entry}; once durable. Again: already
 *   {"do":"month_reopen","month":M,"actor":A,"reason":R}
 *   {"do":"month_adjustments","month":M}          undecided ones of a closed month (daemon/month_adjust.h)
 *   {"do":"month_adjust","month":M,"agent":ID,"actor":A,"accept":true|false[,"reason":R]}
 *   {"do":"month_proposals","month":M}            proposals and perks of a closed month (daemon/month_propose.h)
 *   {"do":"month_propose","month":M,"agent":ID,"proposal":P,"actor":A,"accept":true|false[,"reason":R]}
 *   {"do":"month_bonus","month":M}                the bonus by team and by shop, as it is and as projected
 *   {"do":"act","event":{"type":T, …, "actor":A}}  what a lead decides, as its event: turn.excused, rating.voided, decision.undone,
 *                                                 agent.exempt, appeal.opened, appeal.decided (accepted: with the event that
 *                                                 makes it so); {"ids": […]} once durable
 *   {"do":"appeals"}                              appeals [{agent, id, at, …, state}], and counts per agent
 *   {"do":"checkpoint"[,"progress":true]}         makes one now, answers when it is durable: {"seq", "in_memory"}; with progress
 *                            a line each second before: {"progress": {"doing", "done", "of", "full"}}
 *   {"do":"collectors"}, {"do":"unbound"}         how each platform fares; accounts that nobody has claimed
 *   {"do":"alert_list"}                           alerts, silences (daemon/alert_acts.h), channels [{channel, kind, waiting,
 *                            stuck_s}]
 *   {"do":"alert_ack","alert":N,"actor":WHO[,"reason":R]}, {"do":"alert_silence","rule":RULE or "*","minutes":N,"reason":R,
 *    "actor":WHO[,"agent":ID][,"team":T]}, {"do":"alert_unsilence","silence":ID,"actor":WHO}   once durable: done, id
 *   {"do":"alert_test","channel":NAME}            one message now: verdict, code, why
 *   {"do":"reload"}                               as SIGHUP: whole or not at all, the answer says which
 */
#ifndef KEFU_DAEMON_CONTROL_H
#define KEFU_DAEMON_CONTROL_H

#include "kefu/base/err.h"

struct daemon; /* daemon/daemon.h */
struct control;

/* Listens on `path`, or, if fd is not -1, on that listening socket, whose file then stays when we go; fd is ours from the
 * call on. NULL with e. The daemon is borrowed. */
struct control *control_start(struct daemon *d, const char *path, int fd, struct err *e);
void control_stop(struct control *c);

#endif
