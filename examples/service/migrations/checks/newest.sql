SELECT max(created_at) FROM invoices WHERE created_at <= %(until)s
