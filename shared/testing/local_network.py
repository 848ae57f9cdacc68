LEAVE_ALONE = "[replay]"
