SELECT id, status FROM invoices
WHERE status IN ('authorized', 'recovered') AND (cae IS NULL OR number IS NULL)
