"""Readers of boxes: COCO, Pascal VOC and YOLO."""
