# Writes sleepstudy.csv, machines.csv, penicillin.csv, pastes.csv and anorexia.csv into the folder given as the argument
# (default: the folder data/ of the course), from the R packages lme4, nlme and MASS, where these data are published.
#
#     Rscript data/export_from_r.R [folder]
#
# Column names, row order and values are R's own, so that published results can be looked up; factors become their
# labels. Bytes are the same on every system: UTF-8, LF line ends, a dot as decimal mark, no quotes, and the fewest
# digits that read back as the same double.

here <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
folder <- commandArgs(TRUE)
if (length(folder) == 0) folder <- dirname(here)

shortest <- function(x) {
  # 15 digits are not always enough to give a double back, 17 always are.
  vapply(x, function(value) {
    for (digits in 1:17) {
      text <- formatC(value, digits = digits, format = "g", width = 1, decimal.mark = ".")
      if (identical(as.double(text), as.double(value))) break
    }
    format(as.numeric(text), digits = digits, scientific = FALSE, trim = TRUE)
  }, character(1))
}

export <- function(table, file) {
  columns <- lapply(as.data.frame(table), function(x) if (is.numeric(x)) shortest(x) else as.character(x))
  stopifnot(!anyNA(unlist(columns)), !grepl("[\",\r\n]", unlist(columns)))
  lines <- c(paste(names(columns), collapse = ","), do.call(paste, c(unname(columns), sep = ",")))
  writeBin(charToRaw(paste0(enc2utf8(lines), "\n", collapse = "")), file.path(folder, file))
}

export(lme4::sleepstudy, "sleepstudy.csv")
export(nlme::Machines, "machines.csv")
export(lme4::Penicillin, "penicillin.csv")
export(lme4::Pastes, "pastes.csv")
export(MASS::anorexia, "anorexia.csv")
versions <- vapply(c("lme4", "nlme", "MASS"), function(name) format(packageVersion(name)), "")
cat(paste(names(versions), versions), R.version.string, sep = "\n")
cat("\n")
