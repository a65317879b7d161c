-- A sequence may not be behind its own invoices: it would give a number twice.
SELECT s.account_id, s.point_of_sale, s.invoice_type, s.last_number, max(i.number)
FROM sequences s JOIN invoices i USING (account_id, point_of_sale, invoice_type)
WHERE i.status IN ('authorized', 'recovered')
GROUP BY s.account_id, s.point_of_sale, s.invoice_type, s.last_number
HAVING s.last_number IS NULL OR s.last_number < max(i.number)
