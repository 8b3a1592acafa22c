"""What people look at: here the gateway, a process that serves browsers so that schedulers need not."""
