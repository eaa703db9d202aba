"""A valid text of each content type."""

MCQ = """\
Question 1 - Chest pain
A man of 60 has had chest pain for an hour.
What comes first?
A) Aspirin
B) Penicillin
C) Insulin
D) Rest
Correct Answer: A
Explanation of the Correct Answer
Aspirin limits the clot.
Analysis of the Other Options
None of them does.
Key Insights
Time is muscle.
"""

NMCQ = """\
Clinical Vignette 1: Breathless at night
A woman of 70 wakes up breathless.

Questions and Answers:
1. True/False: She should sit up.
Answer: True
Explanation: Gravity helps.
2. Yes/No: Is fever expected?
Answer: No
Explanation: It is not an infection.
3. Drop Down: The first drug is …
Options: furosemide | aspirin
Answer: furosemide
Explanation: It removes water.
"""

SUMMARY = """\
1. Heart failure
High Yield
- Breathless when lying down.
Key Insights
Water goes where gravity takes it.

2. Angina
High Yield: pain on effort
Key Insights: it goes away within minutes of rest
"""
