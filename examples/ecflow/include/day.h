# The directory of the day.
YMD=%YMD%
DAY=$WORK/$YMD
