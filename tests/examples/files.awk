# Writes the blocks of a page that have a comment <!-- file: NAME --> above them as files below DIR (-v dir=DIR).
/^<!-- file: / { name = dir "/" $3; next }
name && /^```/ && !inside {
        inside = 1
        parent = name
        sub("/[^/]*$", "", parent)
        system("mkdir -p '" parent "'")
        printf "" > name
        next
}
inside && /^```$/ {
        close(name)
        name = ""
        inside = 0
        next
}
inside { print > name }
