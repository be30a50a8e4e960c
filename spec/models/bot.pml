/* What the bot of slot.pml does: how an order moves, what a report means, what is sent. */

/* Nothing changes, and the order is asked about. An honest venue may cause it: reports that are
 * slower than two snapshots come to an order that is closed already. */
inline diverge() {
	skip
}

/* The machines. */

inline close(x) {
	if
	:: phase[x] > RESTING ->
		request_closed(request[x]);
		answered[x] = 0; expired[x] = 0; ended[x] = 0; absences[x] = 0; price[x] = 0; goal[x] = 0
	:: else
	fi
}

inline answer(x) {
	if
	:: request[x] == IDLE -> answered[x] = 0; expired[x] = 0
	:: else
	fi
}

inline settle(x) {
	if
	:: is_live(x) && !is_modifying(x) && leg[x] != 0 && booked[leg[x]] == ALL ->
		phase_filled_whole(phase[x]); close(x)
	:: is_live(x) && !is_modifying(x) && booked[leg[x]] != ALL && ended[x] ->
		phase_cancelled(phase[x]); close(x)
	:: else
	fi
}

/* An absence that counted stays true, however late an older sign of life comes. */
inline witness(x) {
	if
	:: late -> beaten[x] = 1
	:: else
	fi
}

inline bind(x, oid) {
	leg[x] = oid;
	owner[oid] = x + 1
}

inline prove_modify(x, oid) {
	bind(x, oid);
	price[x] = goal[x];
	ended[x] = 0;
	request_modify_answered(request[x]);
	answer(x);
	phase_accepted(phase[x]);
	witness(x);
	settle(x)
}

/* What a report means. */

inline on_accepted(x, oid) {
	if
	:: BUG == NO_TOMBSTONE && !is_live(x) -> phase[x] = RESTING
	:: leg[x] != 0 && owner[oid] != x + 1 && is_modifying(x) -> prove_modify(x, oid)
	:: leg[x] != 0 && owner[oid] != x + 1 && !is_modifying(x) -> diverge()
	:: else ->
		if
		:: leg[x] == 0 -> bind(x, oid)
		:: else
		fi;
		phase_accepted(phase[x]);
		if
		:: is_live(x) ->
			request_place_answered(request[x]);
			answer(x);
			witness(x);
			settle(x)
		:: else
		fi
	fi
}

inline on_rejected(x, number) {
	if
	:: number == newest[x] -> phase_rejected(phase[x]); close(x)
	:: else
	fi
}

inline on_modified(x, oid, number) {
	if
	:: owner[oid] != x + 1 && is_modifying(x) &&
	   (number == newest[x] || BUG == MATCH_RESPONSE_BY_CID) -> prove_modify(x, oid)
	:: owner[oid] != x + 1 && !is_modifying(x) -> diverge()
	:: else
	fi
}

inline on_modify_rejected(x, alive, number) {
	if
	:: !is_live(x) || (number != newest[x] && BUG != MATCH_RESPONSE_BY_CID)
	:: else ->
		if
		:: !is_modifying(x) -> request_modify_answered(request[x])
		:: is_modifying(x) && BUG == MODIFY_REJECT_IS_RESTING ->
			ended[x] = 0;
			request_modify_answered(request[x]);
			answer(x)
		:: is_modifying(x) && BUG != MODIFY_REJECT_IS_RESTING && alive == UNKNOWN && !ended[x] ->
			request_modify_refused_unknown(request[x]);
			answered[x] = 1;
			witness(x)
		:: else ->
			request_modify_answered(request[x]);
			answer(x);
			witness(x);
			settle(x)
		fi
	fi
}

inline on_cancelled(x, oid) {
	if
	:: leg[x] == 0 -> happens(CANCELLATION_BEFORE_ACCEPTANCE); bind(x, oid)
	:: else
	fi;
	if
	:: owner[oid] != x + 1 && is_modifying(x) ->
		/* The new leg came and went before the modify was answered. */
		prove_modify(x, oid)
	:: owner[oid] != x + 1 && !is_modifying(x) -> diverge()
	:: else
	fi;
	if
	:: leg[x] != oid && BUG != CANCEL_BY_CID ->
		phase_leg_ended(phase[x])
	:: is_modifying(x) && (leg[x] == oid || BUG == CANCEL_BY_CID) ->
		ended[x] = 1;
		phase_leg_ended(phase[x]);
		witness(x)
	:: else ->
		if
		:: phase[x] != FILLED &&
		   (request[x] == CANCELLING || request[x] == CANCELLING_IN_DOUBT) ->
			request_cancel_answered(request[x])
		:: else
		fi;
		phase_cancelled(phase[x]);
		witness(x);
		close(x)
	fi
}

inline on_cancel_rejected(x, number) {
	if
	:: !is_live(x) || (number != newest[x] && BUG != MATCH_RESPONSE_BY_CID)
	:: else ->
		if
		:: BUG == CANCEL_REJECT_IS_GONE -> phase_gone(phase[x]); close(x)
		:: else ->
			request_cancel_refused(request[x]);
			if
			:: is_in_doubt(x) -> answered[x] = 1; witness(x)
			:: else
			fi
		fi
	fi
}

/* Number `trade` of leg `oid`; `named` says whether the fill tells the order, `x`, as well. */
inline on_fill(x, oid, trade) {
	if
	:: booked[oid] & (1 << trade) && BUG == NO_DEDUPE -> position++
	:: booked[oid] & (1 << trade) && BUG != NO_DEDUPE
	:: BUG == DROP_UNKNOWN_OID_FILL && owner[oid] == 0 && !named
	:: BUG == LATE_FILL_DROPPED_AFTER_CANCEL && owner[oid] != 0 && phase[x] == CANCELLED
	:: else ->
		booked[oid] = booked[oid] | (1 << trade);
		position++;
		if
		:: owner[oid] == 0 && !named
		:: else ->
			if
			:: owner[oid] == 0 && leg[x] == 0 -> bind(x, oid)
			:: owner[oid] == 0 && leg[x] != 0 && is_modifying(x) ->
				happens(NEW_LEG_FILLS_BEFORE_ITS_ANSWER);
				prove_modify(x, oid)
			:: owner[oid] == 0 && leg[x] != 0 && !is_modifying(x) -> diverge()
			:: else
			fi;
			if
			:: request[x] == PLACING || request[x] == PLACING_IN_DOUBT ->
				happens(FILL_BEFORE_ACCEPTANCE);
				request_place_answered(request[x]);
				answer(x)
			:: phase[x] == CANCELLED -> happens(FILL_AFTER_CANCELLATION)
			:: else
			fi;
			if
			:: leg[x] == oid && booked[oid] == ALL && is_modifying(x) ->
				happens(WHOLE_FILL_WHILE_MODIFYING);
				ended[x] = 1;
				phase_filled_in_part(phase[x])
			:: leg[x] == oid && booked[oid] == ALL && !is_modifying(x) ->
				phase_filled_whole(phase[x]);
				close(x)
			:: else -> phase_filled_in_part(phase[x])
			fi;
			witness(x)
		fi
	fi
}

/* The order is in the snapshot as `oid`. */
inline on_listed(x, oid) {
	if
	:: !is_live(x)
		/* A fill that named no order may have been newer; a divergence here only asks again. */
	:: is_live(x) && leg[x] == 0 ->
		happens(PLACE_PROVEN_BY_SNAPSHOT);
		bind(x, oid);
		phase_accepted(phase[x]);
		request_place_answered(request[x]);
		answer(x)
	:: is_live(x) && leg[x] != 0 && owner[oid] != x + 1 && is_modifying(x) ->
		happens(MODIFY_PROVEN_BY_SNAPSHOT);
		prove_modify(x, oid)
	:: is_live(x) && leg[x] != 0 && owner[oid] != x + 1 && !is_modifying(x) -> diverge()
	:: is_live(x) && owner[oid] == x + 1 && leg[x] != oid -> diverge()
	:: else ->
		phase_accepted(phase[x]);
		request_place_answered(request[x]);
		answer(x);
		if
		:: is_in_doubt(x) && (answered[x] || fenced[x]) ->
			doubt_ended_by_old_evidence = !sealed[x];
			assert(!doubt_ended_by_old_evidence);
			if
			:: is_modifying(x) -> happens(MODIFY_DISPROVED_BY_SNAPSHOT)
			:: else
			fi;
			ended[x] = 0;
			request_disproved(request[x]);
			answer(x)
		:: else
		fi
	fi;
	absences[x] = 0
}

inline on_absent(x) {
	if
	:: !is_live(x) || is_in_flight(x)
	:: is_live(x) && is_in_doubt(x) && !fenced[x] && BUG != NO_EXPIRY_FENCE
	:: else ->
		absences[x]++;
		if
		:: absences[x] == 2 ->
			settle(x);
			if
			:: is_live(x) && leg[x] != 0 && booked[leg[x]] == ALL ->
				phase_filled_whole(phase[x]); close(x)
			:: is_live(x) && !(leg[x] != 0 && booked[leg[x]] == ALL) ->
				happens(GONE_BY_ABSENCE);
				phase_gone(phase[x]); close(x)
			:: else
			fi
		:: else
		fi
	fi
}

inline on_snapshot() {
	i = 1;
	do
	:: i <= L ->
		n = 0;
		do
		:: n < shown[i] -> k = whose[i]; on_fill(k, i, n); n++
		:: else -> break
		od;
		i++
	:: else -> break
	od;
	j = 1;  /* it heals, unless an order has had no use for it */
	k = 0;
	do
	:: k < orders ->
		if
		:: is_live(k) && (is_in_flight(k) || (is_in_doubt(k) && !fenced[k])) -> j = 0
		:: else
		fi;
		if
		:: beaten[k] && !(BUG == STALE_DISPROOF && answered[k]) ->
			happens(SNAPSHOT_BEATEN_BY_NEWER_REPORT);
			j = 0
		:: else ->
			if
			:: listed[k] != 0 -> on_listed(k, listed[k])
			:: else -> on_absent(k)
			fi
		fi;
		k++
	:: else -> break
	od;
	if
	:: j && !spoilt && unhealed > 0 -> unhealed--
	:: else
	fi;
	blind = 0
}

/* The bot sends. */

inline send(x, what) {
	kind[requests] = what;
	of_order[requests] = x;
	of_leg[requests] = leg[x];
	newest[x] = requests;
	answered[x] = 0; expired[x] = 0; absences[x] = 0;
	fenced[x] = 0; sealed[x] = 0;
	requests++
}

inline send_place() {
	i = 1; placed_over_a_live_order = 0;
	do
	:: i <= L -> placed_over_a_live_order = placed_over_a_live_order || rests[i]; i++
	:: else -> break
	od;
	i = 0;
	do
	:: i < R -> placed_over_a_live_order = placed_over_a_live_order ||
			kind[i] == PLACE || kind[i] == MODIFY; i++
	:: else -> break
	od;
	assert(!placed_over_a_live_order);
	request_send_place(request[orders]);
	price[orders] = want;
	goal[orders] = want;
	orders++;
	changes++;
	if
	:: orders == 2 && phase[0] == REJECTED && faults < FAULTS ->
		happens(SECOND_ORDER_AFTER_A_DOUBT)
	:: else
	fi;
	send(orders - 1, PLACE)
}

inline send_modify(x) {
	request_send_modify(request[x]);
	goal[x] = want;
	changes++;
	send(x, MODIFY)
}

inline send_cancel(x) {
	request_send_cancel(request[x]);
	send(x, CANCEL)
}

inline time_out(x) {
	request_unanswered(request[x]);
	if
	:: BUG == TIMEOUT_IS_FAILURE && request[x] == PLACING_IN_DOUBT ->
		phase_gone(phase[x]); close(x)
	:: BUG == TIMEOUT_IS_FAILURE && request[x] != PLACING_IN_DOUBT ->
		request[x] = IDLE
	:: else
	fi
}
