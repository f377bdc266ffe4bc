# Prints functions with more than MAX lines. clang-format puts only the braces of functions into column 0.
/^\{/ {
        begin = FNR
        file = FILENAME
}

/^\}/ {
        if (begin && file == FILENAME && FNR - begin - 1 > MAX)
                printf "%s:%d: a function of %d lines\n", FILENAME, begin, FNR - begin - 1
        begin = 0
}
