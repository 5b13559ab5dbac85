// Package files opens the files of a recording as streams.
//
//	folder, archive or file ──▶ Find ──▶ Parts in natural order ──▶ Opener.Each ──▶ Rows of CSV fields
//
// In: a path and the tables that a format has. Out: for each table its part files
// (plain, .gz, .tar, .tar.gz; many parts), read without unpacking to disk, and their CSV
// rows by column name. Rows that can't be read are counted in Skips with file and line.
//
// The package gives no meaning to columns and never sorts rows: see extsort.
package files
