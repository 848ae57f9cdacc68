"""`POST /v1/sms/receipts`: what became of a message after the gateway had taken it, told by the gateway, signed."""
