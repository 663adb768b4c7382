"""A class's answers to the written questions, on one page for those who grade them: `autograder answers`.

markers      how a reference notebook marks its model answers, which no template has
cells        a student's notebook or script as cells of text and pictures
template     which cell of the template a student's cell was
collection   every student's answer to every question
pictures     what an answer shows, made anew so that it holds pixels alone
page         the page
"""
