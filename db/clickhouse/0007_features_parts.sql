-- The features have hundreds of columns, and ClickHouse reads and writes a wide part with buffers of its own for each of
-- them, a gigabyte together. Compact parts for longer, and merges of one column after the other, need a tenth of it.
ALTER TABLE features MODIFY SETTING min_bytes_for_wide_part = 134217728, vertical_merge_algorithm_min_rows_to_activate = 1;
