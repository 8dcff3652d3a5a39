"""Words everybody shares: keys, time, money, labels, problems and failures. Imports nothing of ours."""
