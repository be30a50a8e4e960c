/* What the venue of slot.pml does: requests, fills, snapshots, and what is lost on the way. */

inline forget(r) {
	kind[r] = 0; of_order[r] = 0; of_leg[r] = 0
}

inline rest(x) {
	legs++;
	rests[legs] = 1;
	whose[legs] = x;
	updates!ACCEPTANCE(x, legs, snapshot)
}

inline end_leg(x) {
	rests[x] = 0;
	updates!CANCELLATION(whose[x], x, snapshot)
}

inline execute(r) {
	k = of_order[r]; o = of_leg[r];
	if
	:: kind[r] == PLACE -> rest(k); answers!ACCEPTANCE(k, legs, r, snapshot)
	:: kind[r] == MODIFY && rests[o] ->
		end_leg(o);
		rest(k);
		answers!MODIFIED(k, legs, r, snapshot)
	:: kind[r] == MODIFY && !rests[o] -> answers!MODIFY_REJECTION(k, UNKNOWN, r, snapshot)
	:: kind[r] == CANCEL && rests[o] -> end_leg(o); answers!CANCELLATION(k, o, r, snapshot)
	:: else -> answers!CANCEL_REJECTION(k, 0, r, snapshot)
	fi;
	forget(r)
}

inline refuse(r) {
	k = of_order[r];
	if
	:: kind[r] == PLACE -> answers!REJECTION(k, 0, r, snapshot)
	:: kind[r] == MODIFY && rests[of_leg[r]] -> answers!MODIFY_REJECTION(k, ALIVE, r, snapshot)
	:: kind[r] == MODIFY && !rests[of_leg[r]] ->
		answers!MODIFY_REJECTION(k, UNKNOWN, r, snapshot)
	:: else -> answers!CANCEL_REJECTION(k, 0, r, snapshot)
	fi;
	forget(r)
}

/* The replacement would cross: the old leg is gone, and no new one has come. */
inline refuse_half(r) {
	answers!MODIFY_REJECTION(of_order[r], UNKNOWN, r, snapshot);
	end_leg(of_leg[r]);
	forget(r)
}

inline trade(oid) {
	trades!oid(fills[oid], snapshot);
	fills[oid]++;
	traded++;
	fills_left--;
	if
	:: fills[oid] == 2 -> rests[oid] = 0
	:: else
	fi
}

inline grow_old() {
	i = len(answers);
	do
	:: i > 0 -> answers?m, k, o, q, late; answers!m, k, o, q, 0; i--
	:: else -> break
	od;
	i = len(updates);
	do
	:: i > 0 -> updates?m, k, o, late; updates!m, k, o, 0; i--
	:: else -> break
	od;
	i = len(trades);
	do
	:: i > 0 -> trades?o, n, late; trades!o, n, 0; i--
	:: else -> break
	od
}

inline take_snapshot() {
	grow_old();
	snapshot = 1; spoilt = 0;
	snapshots--;
	i = 0;
	do
	:: i < orders ->
		beaten[i] = 0;
		fenced[i] = expired[i];
		sealed[i] = (kind[newest[i]] == 0);
		listed[i] = 0;
		i++
	:: else -> break
	od;
	i = 1;
	do
	:: i <= L ->
		shown[i] = fills[i];
		if
		:: rests[i] -> listed[whose[i]] = i
		:: else
		fi;
		i++
	:: else -> break
	od
}

inline drop_snapshot() {
	snapshot = 0; spoilt = 0;
	i = 0;
	do
	:: i < K -> beaten[i] = 0; fenced[i] = 0; sealed[i] = 0; listed[i] = 0; i++
	:: else -> break
	od;
	i = 1;
	do
	:: i <= L -> shown[i] = 0; i++
	:: else -> break
	od;
	/* What is late for one snapshot is not so for the next. */
	grow_old()
}

inline lose() {
	unhealed = 2;
	spoilt = snapshot
}

inline crash() {
	crashes--;
	do
	:: len(answers) > 0 -> answers?m, k, o, q, late
	:: else -> break
	od;
	do
	:: len(updates) > 0 -> updates?m, k, o, late
	:: else -> break
	od;
	do
	:: len(trades) > 0 -> trades?o, n, late
	:: else -> break
	od;
	drop_snapshot();
	blind = 1;
	lose();
	i = 0;
	do
	:: i < orders ->
		if
		:: is_in_flight(i) -> request_unanswered(request[i])
		:: else
		fi;
		i++
	:: else -> break
	od
}
