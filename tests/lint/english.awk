# Prints FILE:LINE: the phrases of english.tsv in comments, string literals and documents, with the better wording. The
# first file is the table. In C files, only comments and strings are read. A phrase may continue on the next line.
BEGIN { FS = "\t" }

FNR == NR {
        if (/^#/ || NF < 3)
                next
        rows++
        bad[rows] = "(^|[^a-z'-])(" $1 ")([^a-z-]|$)"
        allowed[rows] = $2 == "-" ? "" : $2
        better[rows] = $3
        next
}

# Returns a line of C without its code.
function prose(line,    out, c, quote) {
        while (line != "") {
                if (in_comment) {
                        i = index(line, "*/")
                        out = out (i ? substr(line, 1, i - 1) " ~ " : line)
                        line = i ? substr(line, i + 2) : ""
                        in_comment = !i
                } else if (match(line, /\/\*|"/)) {
                        c = substr(line, RSTART, 1)
                        line = substr(line, RSTART + (c == "/" ? 2 : 1))
                        in_comment = c == "/"
                        if (!in_comment && match(line, /^([^"\\]|\\.)*"/)) {
                                # Adjacent literals form one text.
                                quote = substr(line, 1, RLENGTH - 1)
                                out = out quote (substr(line, RLENGTH + 1) ~ /^[[:space:]]*$/ ? "" : " ~ ")
                                line = substr(line, RLENGTH + 1)
                        }
                } else
                        line = ""
        }
        return out
}

function check(text, from,    i, t) {
        for (i = 1; i <= rows; i++) {
                t = text
                if (allowed[i] != "")
                        gsub(allowed[i], "~", t)
                if (!match(t, bad[i]) || RSTART + RLENGTH - 1 <= from && from)
                        continue
                if (from && RSTART > from)
                        continue
                found = substr(t, RSTART, RLENGTH)
                gsub(/^[^a-z]+|[^a-z]+$/, "", found)
                printf "%s:%d: \"%s\": %s\n", FILENAME, FNR, found, better[i]
        }
}

FNR == 1 {
        before = ""
        in_comment = 0
}

{
        text = FILENAME ~ /\.[ch]$/ ? prose($0) : $0
        sub(/^[[:space:]]*([*#;]+[[:space:]]*)?/, "", text)
        sub(/[[:space:]]+$/, "", text)
        text = tolower(text)
        check(text, 0)
        # Phrases that begin on the previous line and end on this one.
        if (before != "" && text != "")
                check(before " " text, length(before))
        before = text
}
