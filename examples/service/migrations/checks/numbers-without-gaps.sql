-- Every number from the first to the last of a sequence belongs to one invoice.
SELECT account_id, point_of_sale, invoice_type, min(number), max(number), count(number)
FROM invoices WHERE number IS NOT NULL
GROUP BY account_id, point_of_sale, invoice_type
HAVING count(number) <> max(number) - min(number) + 1
