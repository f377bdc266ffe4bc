# Reads a preprocessed plugin.h, one struct per line ("struct ec_x { ... };"), and prints SIZE(ec_x) for each struct and
# then AT(ec_x, MEMBER) for each of its members.
{
        name = $2
        print "SIZE(" name ")"
        sub(/^[^{]*\{/, "")
        sub(/\} *;.*$/, "")
        n = split($0, declarations, ";")
        for (i = 1; i <= n; i++) {
                d = declarations[i]
                if (d !~ /[^ ]/)
                        continue
                if (match(d, /\(\*[a-z_0-9]+\)/)) {
                        print "AT(" name ", " substr(d, RSTART + 2, RLENGTH - 3) ")"
                        continue
                }
                gsub(/\[[^]]*\]/, "", d)
                k = split(d, parts, ",")
                for (j = 1; j <= k; j++) {
                        match(parts[j], /[A-Za-z_0-9]+ *$/)
                        member = substr(parts[j], RSTART)
                        sub(/ *$/, "", member)
                        print "AT(" name ", " member ")"
                }
        }
}
