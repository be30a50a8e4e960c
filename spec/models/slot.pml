/* One slot of a quoting bot, its venue, and what lies between them: a model that shares no code
 * with the order manager. `python -m tools.spin` runs it.
 *
 * Theory of operation. One process, one step an event. The bot wants a price or nothing, and
 * places, modifies or cancels one order at a time; a modify is a cancel and a place in one request,
 * under a new oid. Requests reach the venue in any order, and never after they have expired. The
 * venue answers on three streams (answers, pushed updates, fills), each in order, none in step with
 * another. A snapshot is taken at one moment and may arrive much later; of all else that travels
 * only this is known: was it said before or after the snapshot under way was taken? So there are no
 * clocks. The phase and the request of an order move by machines.pml, generated from the charts.
 * What a report means is said here a second time, from the definitions, not from the core.
 *
 * Faults have budgets: FAULTS (a request or a report lost, a report given twice, an early timeout),
 * REFUSALS, CRASHES, UNSOLICITED cancellations. TURNS is how often the bot changes its mind, FILLS
 * and SNAPSHOTS how many there are. BUG names one seeded bug,
 * RACE one race that shall be found; without them the system is correct and nothing may be found.
 *
 * Left out: the other side, prices beyond two, sizes other than whole legs of two lots, amending in
 * place, the status of a single order, quota, clocks that disagree.
 */

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef REFUSALS
#define REFUSALS 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef UNSOLICITED
#define UNSOLICITED 1
#endif
#ifndef TURNS
#define TURNS 2
#endif
#ifndef FILLS
#define FILLS 2
#endif
#ifndef SNAPSHOTS
#define SNAPSHOTS 2
#endif
#ifndef BUG
#define BUG NONE
#endif

#define NONE 0
#define TIMEOUT_IS_FAILURE 1
#define NO_EXPIRY_FENCE 2
#define CANCEL_REJECT_IS_GONE 3
#define CANCEL_BY_CID 4
#define MATCH_RESPONSE_BY_CID 5
#define NO_DEDUPE 6
#define DROP_UNKNOWN_OID_FILL 7
#define MODIFY_REJECT_IS_RESTING 8
#define LATE_FILL_DROPPED_AFTER_CANCEL 9
#define NO_TOMBSTONE 10
#define STALE_DISPROOF 11
#define PLACE_WITH_CANCEL 12

/* Races that the system is claimed to survive: each must happen, or surviving it says nothing. */
#ifndef RACE
#define RACE NONE
#endif
#define FILL_BEFORE_ACCEPTANCE 1
#define CANCELLATION_BEFORE_ACCEPTANCE 2
#define FILL_AFTER_CANCELLATION 3
#define NEW_LEG_FILLS_BEFORE_ITS_ANSWER 4
#define WHOLE_FILL_WHILE_MODIFYING 5
#define PLACE_PROVEN_BY_SNAPSHOT 6
#define MODIFY_PROVEN_BY_SNAPSHOT 7
#define MODIFY_DISPROVED_BY_SNAPSHOT 8
#define GONE_BY_ABSENCE 9
#define SNAPSHOT_BEATEN_BY_NEWER_REPORT 10
#define SECOND_ORDER_AFTER_A_DOUBT 11
#define happens(race) assert(RACE != race)

#define K 2                    /* orders that the slot may have, one after the other */
#define L 3                    /* legs, so places and modifies, in all; oid 0 is no leg */
#define R 4                    /* requests in all */
#define ALL 3                  /* booked trades of a leg of two lots, as a mask */
#define ROOM (6 + FAULTS)      /* messages under way a stream: never more than there can be */

/* Requests; 0 is none under way. */
#define PLACE 1
#define MODIFY 2
#define CANCEL 3

/* Messages. */
#define ACCEPTANCE 1
#define REJECTION 2
#define MODIFIED 3
#define MODIFY_REJECTION 4
#define CANCELLATION 5
#define CANCEL_REJECTION 6

/* Whether the old leg of a refused modify still rests, in the place of the oid. */
#define ALIVE 1
#define UNKNOWN 2

/* What the bot believes. */
byte want = 1;                 /* the wanted price, 0 for none */
byte orders;                   /* placed so far */
byte requests;                 /* sent so far */
byte changes;                  /* places and modifies among them */
byte position;                 /* lots */
bit blind;                     /* nothing is sent until a snapshot has come */
byte phase[K];
byte request[K];
byte newest[K];                /* number of its newest request */
byte leg[K];                   /* oid of its current leg, 0 until the venue has named it */
byte price[K];
byte goal[K];                  /* price that the unanswered request takes it to */
bit answered[K];               /* the newest request was refused, and will have no effect later */
bit expired[K];                /* so will it, for it came too late */
bit ended[K];                  /* the current leg is gone, the modify's answer decides */
byte absences[K];
byte owner[L + 1];             /* oid -> order + 1 */
byte booked[L + 1];            /* trades by oid, also of legs that have no owner yet */

/* What is true. */
bit rests[L + 1];
byte whose[L + 1];
byte fills[L + 1];
byte legs;
byte traded;

/* What travels. A message is `late` when it was said after the snapshot under way was taken. */
byte kind[R];
byte of_order[R];
byte of_leg[R];
chan answers = [ROOM] of { byte, byte, byte, byte, bit };   /* kind, order, oid, request, late */
chan updates = [ROOM] of { byte, byte, byte, bit };         /* kind, order, oid, late */
chan trades = [ROOM] of { byte, byte, bit };                /* oid, number of the fill, late */

bit snapshot;                  /* one is under way */
bit spoilt;                    /* something was lost after it was taken */
byte listed[K];                /* oid that it lists for the order, 0 for none */
byte shown[L + 1];             /* fills that it shows for the leg */
bit fenced[K];                 /* the order's newest request had expired when it was taken */
bit sealed[K];                 /* in truth: that request could have no effect any more */
bit beaten[K];                 /* newer evidence about the order has come since */

byte faults = FAULTS;
byte refusals = REFUSALS;
byte crashes = CRASHES;
byte unsolicited = UNSOLICITED;
byte turns = TURNS;
byte fills_left = FILLS;
byte snapshots = SNAPSHOTS;
byte unhealed;                 /* snapshots that it takes to heal what was lost */

/* Scratch, all zero between steps, and the names of what may go wrong. */
byte m, k, o, q, n, i, j;
bit late, named, quiet;
bit two_live_orders, placed_over_a_live_order, fill_counted_twice, closed_but_live;
bit request_forgotten, doubt_ended_by_old_evidence;
bit quiet_but_wrong_position, quiet_but_wrong_order;

#define is_live(x) (phase[x] <= RESTING)
#define is_in_flight(x) (request[x] % 2 == 1)
#define is_in_doubt(x) (request[x] != IDLE && request[x] % 2 == 0)
#define is_modifying(x) (request[x] == MODIFYING || request[x] == MODIFYING_IN_DOUBT)
#define is_free(x) (x < orders && request[x] == IDLE && phase[x] == RESTING)
#define is_open ((orders > 0 && is_live(0)) || (orders > 1 && is_live(1)))

#include "machines.pml"
#include "properties.pml"
#include "bot.pml"
#include "venue.pml"

inline hear_answer() {
	if
	:: m == ACCEPTANCE -> on_accepted(k, o)
	:: m == REJECTION -> on_rejected(k, q)
	:: m == MODIFIED -> on_modified(k, o, q)
	:: m == MODIFY_REJECTION -> on_modify_rejected(k, o, q)
	:: m == CANCELLATION -> on_cancelled(k, o)
	:: else -> on_cancel_rejected(k, q)
	fi
}

inline hear_update() {
	if
	:: m == ACCEPTANCE -> on_accepted(k, o)
	:: else -> on_cancelled(k, o)
	fi
}

inline hear_trade(says) {
	k = whose[o];
	named = says;
	on_fill(k, o, n)
}

/* A d_step may not end with a loop: hence the skip. */
#define EVENT(guard, text, ...) :: d_step { (guard) -> printf(text); __VA_ARGS__; skip }

#define ORDER_EVENTS(x) \
	EVENT(!blind && is_free(x) && want != 0 && want != price[x] && changes < L && requests < R, \
		"bot: modify\n", send_modify(x)) \
	EVENT(!blind && is_free(x) && want == 0 && requests < R, "bot: cancel\n", send_cancel(x)) \
	EVENT(faults > 0 && is_in_flight(x), "fault: early timeout\n", faults--; time_out(x)) \
	EVENT(request[x] != IDLE && !expired[x], "time: the request expires\n", \
		expired[x] = 1; forget(newest[x]); late = 0; \
		if :: is_in_flight(x) -> time_out(x) :: else fi)

#define REQUEST_EVENTS(r) \
	EVENT(kind[r] != 0, "venue: executes\n", execute(r)) \
	EVENT(kind[r] != 0 && refusals > 0, "venue: refuses\n", refusals--; refuse(r)) \
	EVENT(kind[r] == MODIFY && refusals > 0 && rests[of_leg[r]], \
		"venue: refuses, and the old leg is gone\n", refusals--; refuse_half(r)) \
	EVENT(kind[r] != 0 && faults > 0, "fault: a request is lost\n", faults--; forget(r))

#define LEG_EVENTS(x) \
	EVENT(rests[x] && fills_left > 0, "venue: a fill\n", trade(x)) \
	EVENT(rests[x] && unsolicited > 0, "venue: cancels by itself\n", unsolicited--; end_leg(x))

#define STREAM_EVENTS(stream, fields, text, lost, twice, hear) \
	EVENT(len(stream) > 0, text, stream?fields; hear) \
	EVENT(len(stream) > 0 && faults > 0, twice, faults--; stream?<fields>; stream!fields) \
	EVENT(len(stream) > 0 && faults > 0, lost, \
		faults--; stream?fields; lose())

#define ANSWER m, k, o, q, late
#define UPDATE m, k, o, late
#define TRADE o, n, late

active proctype slot() {
	/* Where all budgets are spent, nothing can happen any more. */
end:
	do
	:: atomic {
		if
		EVENT(want != 0 && !blind && orders < K && changes < L && requests < R &&
			(!is_open || (BUG == PLACE_WITH_CANCEL && orders == 1 &&
				request[0] == CANCELLING)),
			"bot: place\n", send_place())
		ORDER_EVENTS(0)
		ORDER_EVENTS(1)
		EVENT(turns > 0 && want != 0, "bot: wants nothing\n", turns--; want = 0)
		EVENT(turns > 0 && want != 1, "bot: wants price 1\n", turns--; want = 1)
		EVENT(turns > 0 && want != 2, "bot: wants price 2\n", turns--; want = 2)
		REQUEST_EVENTS(0)
		REQUEST_EVENTS(1)
		REQUEST_EVENTS(2)
		REQUEST_EVENTS(3)
		LEG_EVENTS(1)
		LEG_EVENTS(2)
		LEG_EVENTS(3)
		STREAM_EVENTS(answers, ANSWER, "heard: an answer\n", "fault: an answer is lost\n",
			"fault: an answer is given twice\n", hear_answer())
		STREAM_EVENTS(updates, UPDATE, "heard: an update\n", "fault: an update is lost\n",
			"fault: an update is given twice\n", hear_update())
		EVENT(len(trades) > 0, "heard: a fill that names its order\n", trades?TRADE; hear_trade(1))
		STREAM_EVENTS(trades, TRADE, "heard: a fill\n", "fault: a fill is lost\n",
			"fault: a fill is given twice\n", hear_trade(0))
		EVENT(!snapshot && snapshots > 0, "venue: takes a snapshot\n", take_snapshot())
		EVENT(snapshot, "heard: the snapshot\n",
			late = 0; named = 1; on_snapshot(); drop_snapshot())
		EVENT(crashes > 0, "fault: crash\n", crash())
		fi;
		d_step { check() }
	}
	od
}
