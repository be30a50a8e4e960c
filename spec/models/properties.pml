/* What must hold, after every step. Nothing here asks how the bot came to believe it. */
inline check() {
	i = 1; j = 0;
	do
	:: i <= L ->
		if
		:: rests[i] ->
			j++;
			closed_but_live = (phase[whose[i]] > RESTING);
			assert(!closed_but_live)
		:: else
		fi;
		i++
	:: else -> break
	od;
	two_live_orders = (j > 1);
	assert(!two_live_orders);
	fill_counted_twice = (position > traded);
	assert(!fill_counted_twice);
	quiet = !snapshot && !blind && unhealed == 0 &&
		len(answers) == 0 && len(updates) == 0 && len(trades) == 0;
	i = 0;
	do
	:: i < R ->
		if
		:: kind[i] != 0 ->
			quiet = 0;
			/* Only the cancel of what has ended otherwise may be forgotten under way. */
			request_forgotten = (request[of_order[i]] == IDLE &&
				(phase[of_order[i]] <= RESTING || kind[i] != CANCEL));
			assert(!request_forgotten)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	do
	:: i < orders -> quiet = quiet && request[i] == IDLE; i++
	:: else -> break
	od;
	if
	:: quiet ->
		quiet_but_wrong_position = (position != traded);
		assert(!quiet_but_wrong_position);
		i = 0;
		do
		:: i < orders ->
			quiet_but_wrong_order = (is_live(i) && !rests[leg[i]]);
			assert(!quiet_but_wrong_order);
			i++
		:: else -> break
		od
	:: else
	fi;
	i = 0; j = 0; k = 0; o = 0; q = 0; n = 0; m = 0; late = 0; named = 0; quiet = 0
}
